import type { TargetConfig } from "../config/schema/config.ts";
import { isLoopbackHost, proxyFault } from "../config/schema/address.ts";
import { compileNoProxy, type Exempt } from "./no-proxy.ts";
import { hostOf } from "./resolve-plan.ts";

/** A proxy on the way to a target. */
export interface ProxyPlan {
  readonly host: string;
  readonly port: number;
  /** The proxy itself is spoken to by TLS. */
  readonly tls: boolean;
  /** `Proxy-Authorization`: a secret. */
  readonly authorization: string | undefined;
}

/** The node's environment, as it was at its start. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** The proxy on the way to a URL; undefined: none. */
export type ProxyOf = (url: string, written: TargetConfig["proxy"]) => ProxyPlan | undefined;

/**
 * What a target says, else what the environment says: HTTPS_PROXY for https, HTTP_PROXY for http,
 * but not for what NO_PROXY names; in lower case, too. Never for what is on this machine. A
 * variable that is no URL of a proxy is as if it were not there.
 */
export function compileProxies(env: ProxyEnvironment): ProxyOf {
  const exempt = compileNoProxy(env["NO_PROXY"] ?? env["no_proxy"] ?? "");
  const proxies = { "http:": fromEnvironment(env, "HTTP_PROXY"), "https:": fromEnvironment(env, "HTTPS_PROXY") };
  return (text, written) => {
    const host = hostOf(text);
    if (written === "none" || isLoopbackHost(host)) return undefined;
    if (written !== undefined) return compileProxy(written.reveal());
    const { protocol, port } = new URL(text);
    const proxy = protocol === "https:" ? proxies["https:"] : proxies["http:"];
    return proxy === undefined || isExempt(exempt, host, port, protocol) ? undefined : proxy;
  };
}

/** Variables of the environment that name no proxy that can be used: never with what they say. */
export function unusableProxies(env: ProxyEnvironment): { readonly name: string; readonly reason: string }[] {
  return ["HTTPS_PROXY", "HTTP_PROXY"].flatMap((name) => {
    const { key, text } = readVariable(env, name);
    const fault = text === "" ? undefined : proxyFault(withScheme(text));
    return fault === undefined ? [] : [{ name: key, reason: fault.split("\n")[0]! }];
  });
}

function isExempt(exempt: Exempt, host: string, port: string, protocol: string): boolean {
  return exempt(host, port === "" ? (protocol === "https:" ? 443 : 80) : Number(port));
}

function fromEnvironment(env: ProxyEnvironment, name: string): ProxyPlan | undefined {
  const { text } = readVariable(env, name);
  const url = withScheme(text);
  return text === "" || proxyFault(url) !== undefined ? undefined : compileProxy(url);
}

function readVariable(env: ProxyEnvironment, name: string): { readonly key: string; readonly text: string } {
  const key = (env[name] ?? "") === "" ? name.toLowerCase() : name;
  return { key, text: (env[key] ?? "").trim() };
}

/** `proxy:3128` stands for `http://proxy:3128`. */
function withScheme(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//iu.test(text) ? text : `http://${text}`;
}

function compileProxy(text: string): ProxyPlan {
  const { protocol, port, username, password } = new URL(text);
  const tls = protocol === "https:";
  const user = `${decode(username)}:${decode(password)}`;
  return {
    host: hostOf(text),
    port: port === "" ? (tls ? 443 : 80) : Number(port),
    tls,
    authorization: user === ":" ? undefined : `Basic ${Buffer.from(user).toString("base64")}`,
  };
}

/** As it is where it is no percent-encoding. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
