// The URIs of webhooks: an allow list of what a receiver on the public internet looks like.
import { describe, expect, test } from "vitest";
import { isHostEntry, uriProblem } from "../../../src/webhook/uri-check";

const PUBLIC = { allowsLoopback: false, hosts: undefined };
const OPEN = { allowsLoopback: true, hosts: undefined };

const ADDRESS = "must name a host, not an IP address";
const LABELS = "must have a host of at least two labels, like hooks.example.com";
const PRIVATE = "must have a host of the public internet";
const CHARACTERS = /has characters that no URI has/;
const URI = "must be a URI like https://hooks.example.com/path";
const USER = "must not have a user or a password";
const SCHEME = "must begin with https://";
const PORT = "must have the port 443 or 8443";
const DOT = "must not have a host that ends with a dot";
const HOST = "must have a host of letters, digits and hyphens, divided by dots";

const HOSTILE: [uri: string, problem: string | RegExp][] = [
  // No URI, or another scheme.
  ["", CHARACTERS],
  ["hooks.shop.com", URI],
  ["//hooks.shop.com/a", URI],
  ["https:hooks.shop.com", URI],
  ["https:/hooks.shop.com", URI],
  ["https:///hooks.shop.com", URI],
  ["https://", URI],
  ["https://?a", URI],
  ["http://hooks.shop.com/", SCHEME],
  ["ftp://hooks.shop.com/", URI],
  ["file:///etc/passwd", URI],
  ["javascript:alert(1)", URI],
  ["data:text/plain,a", URI],
  ["ws://hooks.shop.com/", URI],
  ["gopher://127.0.0.1:6379/_INFO", URI],
  // IPv4, in the spellings that URL parsers take for numbers.
  ["https://127.0.0.1/", ADDRESS],
  ["https://127.1/", ADDRESS],
  ["https://127.0.1/", ADDRESS],
  ["https://2130706433/", ADDRESS],
  ["https://017700000001/", ADDRESS],
  ["https://0x7f000001/", ADDRESS],
  ["https://0x7f.0x0.0x0.0x1/", ADDRESS],
  ["https://0177.0.0.1/", ADDRESS],
  ["https://0x7f.1/", ADDRESS],
  ["https://127.0.0.1./", /not an IP address|ends with a dot/],
  ["https://0/", ADDRESS],
  ["https://0.0.0.0/", ADDRESS],
  ["https://10.0.0.1/", ADDRESS],
  ["https://172.16.0.1/", ADDRESS],
  ["https://192.168.1.1/", ADDRESS],
  ["https://169.254.169.254/latest/meta-data/", ADDRESS],
  ["https://100.64.0.1/", ADDRESS],
  ["https://8.8.8.8/", ADDRESS],
  ["https://255.255.255.255/", ADDRESS],
  ["https://%31%32%37.0.0.1/", ADDRESS],
  ["https://256.256.256.256/", /not an IP address|like https/],
  ["https://1.2.3.4.5/", /not an IP address|like https/],
  ["https://shop.com.0x1/", /not an IP address|like https/],
  ["https://①②⑦.0.0.1/", CHARACTERS],
  ["https://127。0。0。1/", CHARACTERS],
  // IPv6.
  ["https://[::1]/", ADDRESS],
  ["https://[::]/", ADDRESS],
  ["https://[0:0:0:0:0:0:0:1]/", ADDRESS],
  ["https://[::ffff:127.0.0.1]/", ADDRESS],
  ["https://[::ffff:7f00:1]/", ADDRESS],
  ["https://[fe80::1]/", ADDRESS],
  ["https://[fd00:ec2::254]/", ADDRESS],
  ["https://[2606:4700::1111]/", ADDRESS],
  ["https://[64:ff9b::7f00:1]/", ADDRESS],
  ["https://[fe80::1%25eth0]/", URI],
  ["https://::1/", URI],
  // A user or a password.
  ["https://user@hooks.shop.com/", USER],
  ["https://user:secret@hooks.shop.com/", USER],
  ["https://:secret@hooks.shop.com/", USER],
  ["https://@hooks.shop.com/", USER],
  ["https://:@hooks.shop.com/", USER],
  ["https://hooks.shop.com@127.0.0.1/", USER],
  ["https://hooks.shop.com%40127.0.0.1/", URI],
  ["https://hooks.shop.com:443@evil.com/", USER],
  // Hosts of no public network.
  ["https://localhost/", LABELS],
  ["https://LOCALHOST/", LABELS],
  ["https://localhost./", DOT],
  ["https://hooks.localhost/", PRIVATE],
  ["https://localhost.localdomain/", PRIVATE],
  ["https://printer.local/", PRIVATE],
  ["https://metadata.google.internal/", PRIVATE],
  ["https://db.service.internal/", PRIVATE],
  ["https://router.lan/", PRIVATE],
  ["https://nas.home.arpa/", PRIVATE],
  ["https://nas.home/", PRIVATE],
  ["https://wiki.corp/", PRIVATE],
  ["https://wiki.intranet/", PRIVATE],
  ["https://1.0.0.127.in-addr.arpa/", PRIVATE],
  ["https://shop.test/", PRIVATE],
  ["https://shop.invalid/", PRIVATE],
  ["https://abcdefghijklmnop.onion/", PRIVATE],
  ["https://intranet/", LABELS],
  ["https://kubernetes/", LABELS],
  ["https://xn--a/", /at least two labels|like https/],
  // Dots, hyphens, and letters that change.
  ["https://hooks.shop.com./", DOT],
  ["https://hooks..shop.com/", HOST],
  ["https://.shop.com/", HOST],
  ["https://hooks_a.shop.com/", HOST],
  ["https://-hooks.shop.com/", HOST],
  ["https://hooks-.shop.com/", HOST],
  [`https://${"a".repeat(64)}.shop.com/`, HOST],
  [`https://${"a.".repeat(130)}com/`, HOST],
  ["https://ｌｏｃａｌｈｏｓｔ/", CHARACTERS],
  ["https://hooks.shop。com/", CHARACTERS],
  ["https://hooks.münchen.com/", CHARACTERS],
  ["https://hooks.shop.com\\@127.0.0.1/", CHARACTERS],
  ["https:\\\\hooks.shop.com/", CHARACTERS],
  ["https://hooks.shop.com/\t", CHARACTERS],
  ["https://hooks.shop.com/\r\nHost: a", CHARACTERS],
  [" https://hooks.shop.com/", CHARACTERS],
  ["https://hooks.shop.com/\u0000", CHARACTERS],
  ["https://hooks.shop.com/a b", CHARACTERS],
  ["https://hooks.shop.com/\u202E", CHARACTERS],
  // Ports.
  ["https://hooks.shop.com:80/", PORT],
  ["https://hooks.shop.com:22/", PORT],
  ["https://hooks.shop.com:25/", PORT],
  ["https://hooks.shop.com:6379/", PORT],
  ["https://hooks.shop.com:0/", PORT],
  ["https://hooks.shop.com:65536/", URI],
  ["https://hooks.shop.com:-1/", URI],
  ["https://hooks.shop.com:https/", URI],
  // The rest.
  ["https://hooks.shop.com/#secret", "must not have a fragment, which is never sent"],
  ["https://hooks.shop.com/#", "must not have a fragment, which is never sent"],
  [`https://hooks.shop.com/${"a".repeat(2_048)}`, "has more than 2048 characters"],
];

describe("uriProblem", () => {
  test("is asked about at least sixty hostile URIs", () => {
    expect(new Set(HOSTILE.map(([uri]) => uri)).size).toBeGreaterThanOrEqual(60);
  });

  test.each(HOSTILE)("rejects %j", (uri, problem) => {
    expect(uriProblem(uri, PUBLIC)).toMatch(typeof problem === "string" ? new RegExp(`^${problem}$`) : problem);
  });

  test.each([
    "https://hooks.shop.com",
    "https://hooks.shop.com/a?b=c&d=%20",
    "HTTPS://HOOKS.SHOP.COM/",
    "https://hooks.shop.com:443/",
    "https://hooks.shop.com:8443/a",
    "https://xn--mnchen-3ya.de/",
    "https://hooks.shop.com/a@b",
    "https://a.b.c.d.e.f.shop.com/",
    "https://local.shop.com/",
    "https://127.0.0.1.shop.com/",
    "https://internal.io/",
  ])("allows %s", (uri) => {
    expect(uriProblem(uri, PUBLIC)).toBeUndefined();
  });

  test.each([
    "http://localhost:8788/a",
    "http://127.0.0.1:1/",
    "http://[::1]:9/",
    "https://localhost/",
    "http://127.9.9.9/",
  ])("allows %s in open mode alone", (uri) => {
    expect(uriProblem(uri, OPEN)).toBeUndefined();
    expect(uriProblem(uri, PUBLIC)).toBeDefined();
  });

  test.each([
    "http://hooks.shop.com/",
    "http://10.0.0.1/",
    "http://192.168.0.1/",
    "https://169.254.169.254/",
    "http://user@localhost/",
    "http://[::ffff:10.0.0.1]/",
    "http://intranet/",
    "http://localhost.evil.com/",
    "http://127.0.0.1.evil.com/",
    "http://0.0.0.0/",
  ])("rejects %s in open mode too", (uri) => {
    expect(uriProblem(uri, OPEN)).toBeDefined();
  });

  test.each([
    ["https://hooks.shop.com/a", true],
    ["https://HOOKS.shop.com:8443/", true],
    ["https://eu.hooks.io/", true],
    ["https://a.eu.hooks.io/", true],
    ["https://ports.shop.com:9443/", true],
    ["https://ports.shop.com/", false],
    ["https://hooks.io/", false],
    ["https://evilhooks.io/", false],
    ["https://hooks.shop.com.evil.com/", false],
    ["https://hooks.shop.com:9443/", false],
    ["http://hooks.shop.com/", false],
  ])("with WEBHOOK_HOSTS, %s is allowed: %s", (uri, isAllowed) => {
    const hosts = ["hooks.shop.com", "*.hooks.io", "ports.shop.com:9443"];

    expect(uriProblem(uri, { allowsLoopback: false, hosts }) === undefined).toBe(isAllowed);
  });
});

test.each([
  ["hooks.shop.com", true],
  ["*.shop.com", true],
  ["hooks.shop.com:9443", true],
  ["*", false],
  ["*.com.", false],
  ["localhost", false],
  ["127.0.0.1", false],
  ["https://hooks.shop.com", false],
  ["a.*.com", false],
  ["", false],
])("isHostEntry: %j is an entry of WEBHOOK_HOSTS: %s", (text, isEntry) => {
  expect(isHostEntry(text)).toBe(isEntry);
});
