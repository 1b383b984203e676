import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../core/secret.ts";
import { compileProxies, type ProxyEnvironment, unusableProxies } from "./proxy-plan.ts";

const ENV = {
  HTTP_PROXY: "http://plain.proxy:3128",
  HTTPS_PROXY: "https://secure.proxy",
  NO_PROXY: ".internal,10.0.0.0/8,example.com:8443",
};

function hostFor(url: string, env: ProxyEnvironment = ENV): string | undefined {
  const proxy = compileProxies(env)(url, undefined);
  return proxy && `${proxy.tls ? "https" : "http"} ${proxy.host}:${proxy.port}`;
}

test("the environment's proxy is that of the endpoint's scheme, whose default port NO_PROXY knows", () => {
  assert.equal(hostFor("http://a.example.com:4317"), "http plain.proxy:3128");
  assert.equal(hostFor("https://a.example.com"), "https secure.proxy:443");
  assert.equal(hostFor("https://a.example.com:8443"), undefined);
  assert.equal(hostFor("http://tempo.internal:4317"), undefined);
  assert.equal(hostFor("http://10.1.1.1:4317"), undefined);
  assert.equal(hostFor("http://[2001:db8::1]:4317"), "http plain.proxy:3128");
  assert.equal(hostFor("https://a.b", { ...ENV, NO_PROXY: "a.b:443" }), undefined);
  assert.equal(hostFor("http://a.b", { ...ENV, NO_PROXY: "a.b:80" }), undefined);
});

test("variables in lower case count where those in capitals are not set; a scheme may be left out", () => {
  const env = { http_proxy: "proxy:8080", https_proxy: "proxy", no_proxy: "a.b", HTTPS_PROXY: "" };
  assert.equal(hostFor("http://c.d", env), "http proxy:8080");
  assert.equal(hostFor("https://c.d", env), "http proxy:80");
  assert.equal(hostFor("https://a.b", env), undefined);
  assert.equal(hostFor("http://c.d", { ...env, HTTP_PROXY: "capital:1" }), "http capital:1");
  assert.equal(hostFor("http://c.d", { HTTP_PROXY: "http://[2001:db8::9]:3128" }), "http 2001:db8::9:3128");
  assert.equal(hostFor("http://c.d", {}), undefined);
});

const LOOPBACK = [
  "localhost",
  "LOCALHOST",
  "a.localhost",
  "127.0.0.1",
  "127.1",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "0.0.0.0",
];
for (const host of LOOPBACK) {
  test(`there is no proxy on the way to ${host}, whoever says so`, () => {
    const proxyOf = compileProxies(ENV);
    assert.equal(proxyOf(`http://${host}:4317`, undefined), undefined);
    assert.equal(proxyOf(`http://${host}:4317`, new Secret("http://proxy:3128")), undefined);
  });
}

test("what the target says stands before the environment; none is none", () => {
  const proxyOf = compileProxies({ ...ENV, NO_PROXY: "*" });
  assert.equal(proxyOf("http://a.b", new Secret("http://own:1"))?.host, "own");
  assert.equal(compileProxies(ENV)("http://a.b", "none"), undefined);
});

test("user and password are those of the URL, without their percent-encoding", () => {
  const of = (userinfo: string): string | undefined => {
    const written = new Secret(`http://${userinfo}proxy:1`);
    const told = compileProxies({})("http://a.b", written)?.authorization;
    return told && Buffer.from(told.replace(/^Basic /u, ""), "base64").toString();
  };
  assert.equal(of(""), undefined);
  assert.equal(of("ann:s%40cret%3A@"), "ann:s@cret:");
  assert.equal(of("token@"), "token:");
  assert.equal(of(":only@"), ":only");
  assert.equal(of("ann:100%@"), "ann:100%");
  assert.equal(of("j%C3%B6rg:x@"), "jörg:x");
});

test("a variable that names no proxy is told by its name, never by what it says", () => {
  const env = { HTTP_PROXY: "socks5://ann:s3cret@proxy:1080", https_proxy: "http://proxy/s3cret" };
  assert.equal(hostFor("http://c.d", env), undefined);
  assert.equal(hostFor("https://c.d", env), undefined);
  const told = unusableProxies(env);
  assert.deepEqual(
    told.map(({ name }) => name),
    ["https_proxy", "HTTP_PROXY"],
  );
  assert.ok(!JSON.stringify(told).includes("s3cret"));
  assert.deepEqual(unusableProxies({ ...ENV, http_proxy: "" }), []);
});
