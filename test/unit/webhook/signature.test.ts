// Signatures of Standard Webhooks: the vector of its own libraries, and its published verifier.
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { secretBytes, secretFromBytes, signatures } from "../../../src/webhook/signature";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EARLIER = secretFromBytes(new Uint8Array(32).fill(7));
const body = '{"test": 2432232314}';
const signed = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body };

describe("signatures", () => {
  test("signs the specification's test vector as its libraries do", async () => {
    expect(await signatures([SECRET], signed)).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  test.each([SECRET, EARLIER])("signs with each secret, so that a receiver with %s alone verifies", async (secret) => {
    const timestamp = Math.floor(Date.now() / 1_000);
    const headers = {
      "webhook-id": "evt_1",
      "webhook-timestamp": String(timestamp),
      "webhook-signature": await signatures([SECRET, EARLIER], { id: "evt_1", timestamp, body: '{"é":"😀"}' }),
    };

    expect(new Webhook(secret).verify('{"é":"😀"}', headers)).toEqual({ é: "😀" });
    expect(() => new Webhook(secret).verify('{"é":"x"}', headers)).toThrow("No matching signature found");
  });

  test("rejects a malformed secret without its text", async () => {
    const refused = signatures(["whsec_c2hvcnQ="], signed);

    await expect(refused).rejects.toThrow("a signing secret is not whsec_ and base64 of 24 to 64 bytes");
  });
});

describe("secretBytes", () => {
  test.each([24, 32, 64])("reads %i bytes", (length) => {
    const bytes = new Uint8Array(length).fill(length);

    expect(secretBytes(secretFromBytes(bytes))).toEqual(bytes);
  });

  test.each([
    "",
    "whsec_",
    SECRET.slice(6),
    SECRET.replace("whsec", "WHSEC"),
    `${SECRET} `,
    `${SECRET}!`,
    "whsec_c2hvcnQ=",
    secretFromBytes(new Uint8Array(23)),
    secretFromBytes(new Uint8Array(65)),
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-",
    "whsec_=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  ])("rejects %j", (text) => {
    expect(secretBytes(text)).toBeUndefined();
  });
});
