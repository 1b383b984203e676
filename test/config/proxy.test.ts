import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../src/core/problem.ts";
import { showConfig } from "../../src/config/taint.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import { loadText } from "./load-text.ts";
import { boundPlan } from "../support/bound-plan.ts";

function told(target: string): string[] {
  const { problems } = loadText(`targets: [{ id: a, ${target} }]`);
  return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

function planOf(target: string, env: Readonly<Record<string, string>> = {}): TargetPlan {
  const { config, problems } = loadText(`targets: [{ id: a, ${target} }]`);
  assert.ok(config !== undefined, problems.map(formatProblem).join("\n"));
  return boundPlan(config, { env }).targets.get("a")!;
}

const ENV = { HTTP_PROXY: "http://env.proxy:1", NO_PROXY: "exempt.example.com" };

const GOOD = [
  "none",
  "http://proxy",
  "https://proxy:8443/",
  "http://ann:s3cret@proxy:3128",
  "http://[2001:db8::1]:3128",
];
for (const proxy of GOOD) {
  test(`proxy: ${proxy} is one`, () => {
    assert.deepEqual(told(`endpoint: "http://tempo:4317", proxy: "${proxy}"`), []);
  });
}

const BAD: readonly (readonly [string, string])[] = [
  ["", "must begin with http:// or https://, or be none"],
  ["s3cret", "must begin with http:// or https://, or be none"],
  ["ann:s3cret@proxy:3128", "must begin with http:// or https://, or be none"],
  ["socks5://ann:s3cret@proxy:1080", "must begin with http:// or https://, or be none"],
  ["http://ann:s3cret@", "is not a URL"],
  ["http://ann:s3cret@proxy:99999", "is not a URL"],
  ["http://proxy/s3cret", "is a host and a port only"],
  ["http://proxy:3128?key=s3cret", "is a host and a port only"],
  ["http://ann:s3cret@proxy:0", "needs a port that can be connected to"],
];
for (const [proxy, message] of BAD) {
  test(`proxy: ${proxy} is none, and nothing of it is repeated`, () => {
    const { config, problems } = loadText(`targets: [{ id: a, endpoint: "http://tempo:4317", proxy: "${proxy}" }]`);
    assert.equal(config, undefined);
    assert.deepEqual(
      problems.map((problem) => [problem.path, problem.message]),
      [["targets[0].proxy", message]],
    );
    assert.ok(!problems.map(formatProblem).join("\n").includes("s3cret"));
  });
}

test("proxy: for a target on this machine it has no effect, and that is said", () => {
  const message =
    "warning targets[0].proxy: has no effect: the endpoint is on this machine, where no proxy is on the way";
  for (const host of ["localhost", "127.0.0.1", "[::1]", "a.localhost"]) {
    const target = `endpoint: "http://${host}:4317", proxy: "http://proxy:3128"`;
    assert.deepEqual(told(target), [message]);
    assert.equal(planOf(target).proxy, undefined);
  }
  assert.deepEqual(told('endpoint: "http://127.0.0.1:4317", proxy: none'), []);
});

test("proxy: it looks names up itself, so that resolve: all has no effect, and that is said", () => {
  const target = 'endpoint: "http://tempo:4317", resolve: all';
  assert.deepEqual(told(`${target}, proxy: "http://proxy:3128"`), [
    "warning targets[0].resolve: has no effect through a proxy, which looks names up itself",
  ]);
  assert.deepEqual(told(`${target}, proxy: none`), []);
  assert.equal(planOf(`${target}, proxy: "http://proxy:3128"`).resolve, "one");
  assert.equal(planOf(target, ENV).resolve, "one");
  assert.equal(planOf(`${target}, proxy: none`, ENV).resolve, "all");
  assert.equal(planOf('endpoint: "http://exempt.example.com", resolve: all', ENV).resolve, "all");
});

test("proxy: another one, or another user of it, is another connection", () => {
  const at = (proxy: string): string => planOf(`endpoint: "http://tempo:4317", proxy: "${proxy}"`).connectionIdentity;
  const all = ["none", "http://p:1", "http://p:2", "https://p:1", "http://ann@p:1", "http://ann:x@p:1"].map(at);
  assert.equal(new Set(all).size, all.length);
  assert.equal(at("http://p"), at("http://p:80/"));
  assert.equal(at("none"), planOf('endpoint: "http://tempo:4317"').connectionIdentity);
});

test("proxy: a check goes the way to where it asks: past it on this machine, and past it where NO_PROXY says so", () => {
  const check = (endpoint: string, more: string, env = ENV): string | undefined => {
    const asks = `health_check: { type: http, endpoint: "${endpoint}" }`;
    return planOf(`endpoint: "http://tempo:4317", ${asks}${more}`, env).health.check?.proxy?.host;
  };
  assert.equal(check("http://tempo:1", ""), "env.proxy");
  assert.equal(check("http://localhost:1", ""), undefined);
  assert.equal(check("http://exempt.example.com", ""), undefined);
  assert.equal(check("http://exempt.example.com", ', proxy: "http://own"'), "own");
  assert.equal(check("http://localhost:1", ', proxy: "http://own"'), undefined);
  assert.equal(check("http://tempo:1", ", proxy: none"), undefined);
});

test("proxy: a config that is shown does not show it", () => {
  const { config } = loadText(
    'targets: [{ id: a, endpoint: "http://tempo:4317", proxy: "http://ann:s3cret@proxy:3128" }]',
  );
  assert.ok(config !== undefined);
  assert.ok(!JSON.stringify(showConfig(config)).includes("s3cret"));
});
