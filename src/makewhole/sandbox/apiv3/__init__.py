"""What the sandbox's WeChat Pay and Douyin Pay have in common: one protocol, told from the documents and apart from our connector."""
