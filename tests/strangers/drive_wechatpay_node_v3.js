// Runs in the stranger's environment: JSON lines with calls come in on standard input, what wechatpay-node-v3 makes of them goes out.
//
// Nothing of ours is imported here, so that only the bytes on the wire connect the two.
"use strict";

const readline = require("node:readline");
const { createHash, X509Certificate } = require("node:crypto");
const superagent = require("superagent");
const Pay = require("wechatpay-node-v3");

const GATEWAY = "https://api.mch.weixin.qq.com";

// What the client sends, to our counterpart instead of the real gateway; what came is kept as it came, for its own check of signatures.
class Near {
  constructor(base) {
    this.base = base;
    this.last = undefined;
  }

  async send(request, headers) {
    const answer = await request.set(headers).buffer(true).ok(() => true);
    this.last = { status: answer.status, headers: answer.headers, text: answer.text ?? "", body: answer.body };
    return { status: answer.status, data: answer.body };
  }

  near(url) {
    return url.replace(GATEWAY, this.base);
  }

  get(url, headers) {
    return this.send(superagent.get(this.near(url)), headers);
  }

  post(url, params, headers) {
    return this.send(superagent.post(this.near(url)).send(params), headers);
  }
}

let pay;
let wire;

function client(told) {
  pay = new Pay({
    appid: told.appid,
    mchid: told.mchid,
    publicKey: Buffer.from(told.certificate),
    privateKey: Buffer.from(told.private_key),
    key: told.apiv3_key,
  });
  wire = new Near(told.base_url);
  pay.createHttp(wire);
  return new X509Certificate(told.certificate).serialNumber.toUpperCase() === pay.serial_no.toUpperCase() ? "ready" : pay.serial_no;
}

// Whether the client finds the channel's signature on what it was answered.
function verified(headers, body) {
  return pay.verifySign({
    timestamp: headers["wechatpay-timestamp"],
    nonce: headers["wechatpay-nonce"],
    serial: headers["wechatpay-serial"],
    signature: headers["wechatpay-signature"],
    body,
  });
}

async function called(told) {
  await pay[told.method](...told.arguments);
  const { status, headers, text } = wire.last;
  return { status, text, verified: await verified(headers, text) };
}

async function downloaded(url) {
  await pay.downloadBill(url.replace(wire.base, GATEWAY));
  const content = wire.last.body;
  return { status: wire.last.status, base64: content.toString("base64"), sha1: createHash("sha1").update(content).digest("hex") };
}

async function heard(told) {
  const body = Buffer.from(told.body, "base64").toString("utf8");
  const headers = Object.fromEntries(Object.entries(told.headers).map(([name, value]) => [name.toLowerCase(), value]));
  if (!(await verified(headers, body))) {
    return { verified: false };
  }
  const notice = JSON.parse(body);
  const { ciphertext, associated_data, nonce } = notice.resource;
  return { verified: true, event_type: notice.event_type, content: pay.decipher_gcm(ciphertext, associated_data, nonce) };
}

function authorization(told) {
  const signature = pay.getSignature(told.method, told.nonce, told.timestamp, told.path, told.body);
  return pay.getAuthorization(told.nonce, told.timestamp, signature);
}

async function answered(told) {
  switch (told.do) {
    case "client":
      return client(told);
    case "call":
      return called(told);
    case "download":
      return downloaded(told.url);
    case "callback":
      return heard(told);
    default:
      return authorization(told);
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = await answered(JSON.parse(line));
    } catch (error) {
      answer = { error: `${error.name}: ${error.message}` };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}

main();
