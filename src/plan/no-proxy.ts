import { BlockList, isIP } from "node:net";

/**
 * Whether a host and port are reached without a proxy. The host is in lower case, an IPv6 address
 * without brackets.
 */
export type Exempt = (host: string, port: number) => boolean;

/**
 * `NO_PROXY` as Go's tools read it (golang.org/x/net/http/httpproxy): entries with commas or spaces
 * between them; a name is for itself and all below it, `.name` and `*.name` only for what is below;
 * an address, a block of addresses (CIDR), `*` for everything; a port after a name or an address
 * narrows it. What is none of these is for nothing.
 */
export function compileNoProxy(text: string): Exempt {
  const tests = text
    .toLowerCase()
    .split(/[\s,]+/u)
    .flatMap((entry) => compileEntry(entry) ?? []);
  return (host, port) => tests.some((test) => test(host, port));
}

function compileEntry(entry: string): Exempt | undefined {
  if (entry === "") return undefined;
  if (entry === "*") return () => true;
  const block = /^(?<address>[^/]+)\/(?<bits>\d{1,3})$/u.exec(entry)?.groups;
  if (block !== undefined) return compileBlock(block["address"]!, Number(block["bits"]));
  const { name, port } = splitPort(entry);
  if (isIP(name) !== 0) return withPort(compileBlock(name, isIP(name) === 4 ? 32 : 128), port);
  return name === "" ? undefined : withPort(compileName(name), port);
}

/**
 * `name:port`, `[address]:port`, and either without a port; an IPv6 address without brackets has
 * none.
 */
function splitPort(entry: string): { readonly name: string; readonly port: number | undefined } {
  if (isIP(entry) === 6) return { name: entry, port: undefined };
  const { host = entry, port } = /^(?<host>.*?)(?::(?<port>\d+))?$/u.exec(entry)?.groups ?? {};
  return { name: host.replace(/^\[(.*)\]$/u, "$1"), port: port === undefined ? undefined : Number(port) };
}

function compileName(written: string): Exempt {
  const name = written.replace(/^\*\./u, ".");
  if (name.startsWith(".")) return (host) => host.endsWith(name);
  const below = `.${name}`;
  return (host) => host === name || host.endsWith(below);
}

function compileBlock(address: string, bits: number): Exempt | undefined {
  const family = isIP(address);
  if (family === 0 || bits > (family === 4 ? 32 : 128)) return undefined;
  const block = new BlockList();
  block.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
  return (host) => isIP(host) !== 0 && block.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}

function withPort(test: Exempt | undefined, wanted: number | undefined): Exempt | undefined {
  if (test === undefined || wanted === undefined) return test;
  return (host, port) => port === wanted && test(host, port);
}
