import type { Script } from "./scripted-admin.ts";

/** Of a config, as the admin API has them. */
export const PROBLEMS = [
  {
    severity: "error",
    path: "rules[0].pool",
    message: 'unknown pool "q"',
    hint: "known pools: p",
    file: "a.yaml",
    position: { line: 4, column: 9 },
  },
];
/** Answers of an admin API, the exit code that each means, and what is told on stderr. */
export const REFUSALS: readonly { readonly script: Script; readonly code: number; readonly err: RegExp }[] = [
  { script: { status: 400, body: { detail: "no YAML" } }, code: 3, err: /^signalbox: no YAML\n$/u },
  {
    script: { status: 422, body: { detail: "the config has problems", problems: PROBLEMS } },
    code: 3,
    err: /^a\.yaml:4:9: error: rules\[0\]\.pool: unknown pool "q" \(known pools: p\)\nsignalbox: the config has problems\n$/u,
  },
  {
    script: { status: 401, body: { detail: "send a token" } },
    code: 1,
    err: /^signalbox: send a token\n {2}.*--token.*SIGNALBOX_TOKEN/u,
  },
  {
    script: { status: 403, body: { detail: "this needs the role admin" } },
    code: 1,
    err: /role admin\n {2}.*higher role/u,
  },
  {
    script: { status: 404, body: { detail: "there is no rule r" } },
    code: 5,
    err: /^signalbox: there is no rule r\n$/u,
  },
  { script: { status: 409, body: { detail: "there is a rule r" } }, code: 6, err: /there is a rule r/u },
  {
    script: { status: 412, body: { detail: "version 9 runs" } },
    code: 6,
    err: /version 9 runs\n {2}.*config history/u,
  },
  {
    script: { status: 412, body: { detail: "d", hint: "the\nhint" } },
    code: 6,
    err: /^signalbox: d\n {2}the hint\n$/u,
  },
  { script: { status: 500, body: {} }, code: 1, err: /status 500\n {2}.*log/u },
  { script: { status: 503, body: { title: "Service Unavailable" } }, code: 1, err: /Service Unavailable/u },
  {
    script: { status: 404, type: "text/html", body: "<h1>not found</h1>" },
    code: 7,
    err: /is not the admin API\n {2}.*node\.listen\.admin/u,
  },
  { script: { status: 200, type: "text/html", body: "<h1>hello</h1>" }, code: 7, err: /is not the admin API/u },
  { script: { status: 200, body: "{ broken" }, code: 7, err: /is not the admin API/u },
  {
    script: { status: 404, type: "application/json", body: { code: 5, message: "this is an OTLP/HTTP listener" } },
    code: 7,
    err: /is not the admin API\n {2}.*OTLP has other ports/u,
  },
  {
    script: {
      status: 409,
      body: { detail: "items would have none", hint: "force it with ?force=true if that is meant" },
    },
    code: 6,
    err: /^signalbox: items would have none\n {2}force it with --force if that is meant\n$/u,
  },
  {
    script: { status: 404, body: { detail: "version 3 is not kept; /api/v1/config/versions lists those that are" } },
    code: 5,
    err: /^signalbox: version 3 is not kept; signalbox config history lists those that are\n$/u,
  },
  { script: { status: 429, body: { detail: "busy" } }, code: 1, err: /busy\n {2}.*try again/u },
  { script: { status: 302, body: {} }, code: 1, err: /status 302/u },
  {
    script: { status: 404, body: { detail: "two\nlines \u001b[31mred" } },
    code: 5,
    err: /^signalbox: two lines +\[31mred\n$/u,
  },
];
