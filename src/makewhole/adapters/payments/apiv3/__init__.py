"""The protocol that WeChat Pay calls APIv3 and Douyin Pay took over with other names: signed requests, signed answers, sealed callbacks."""
