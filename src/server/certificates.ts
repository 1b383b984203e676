import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Config, NodeConfig } from "../config/schema/config.ts";
import type { Clock } from "../core/clock.ts";
import { reasonOf, RouterError } from "../core/errors.ts";
import { isoTime } from "../core/iso-time.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** From here on an operator is told that a certificate ends. */
const SOON_MS = 14 * 24 * 3_600_000;

/**
 * Whether the TLS library takes what listeners are to show from now on. Throws TLS_INVALID with the
 * place in the config.
 */
export function checkListenerTls({ node }: Config): void {
  for (const [name, listener] of listenersOf(node)) {
    const tls = listener === undefined || listener === false ? undefined : listener.tls;
    if (tls === undefined) continue;
    const ca = tls.client_ca === undefined ? {} : { ca: tls.client_ca };
    try {
      createSecureContext({ cert: tls.cert, key: tls.key.reveal(), ...ca });
    } catch (cause) {
      const hint = "cert, key and client_ca are PEM, and the key is that of the certificate";
      throw new RouterError("TLS_INVALID", `node.${name}.tls: ${reasonOf(cause)}`, { cause, hint });
    }
  }
}

type CertifiedListener = NodeConfig["listen"][keyof NodeConfig["listen"]] | NodeConfig["fleet"]["listen"];

/** By their places below `node`. */
function listenersOf({ listen, fleet }: NodeConfig): (readonly [string, CertifiedListener])[] {
  const data = Object.entries(listen).map(([name, listener]) => [`listen.${name}`, listener] as const);
  return [...data, ["fleet.listen", fleet.listen]];
}

/**
 * Shows when the certificates of a config end, and warns of those that end soon. One for a node:
 * each config takes the place of the last.
 */
export class CertificateReport {
  readonly #env: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics };
  #shown: readonly string[] = [];

  constructor(env: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#env = env;
  }

  show(config: Config): void {
    const { clock, log, metrics } = this.#env;
    const certificates = certificatesOf(config);
    for (const place of this.#shown) metrics.certificateExpiry.remove(place);
    this.#shown = certificates.map(({ place }) => place);
    for (const { place, endsMs } of certificates) {
      metrics.certificateExpiry.with(place).read(() => endsMs / 1_000);
      if (endsMs - clock.wallMs() < SOON_MS) log.warn("a certificate ends soon", { place, ends: isoTime(endsMs) });
    }
  }
}

interface Certificate {
  /** The key in the config; of targets with their id. */
  readonly place: string;
  /** Of the first to end. */
  readonly endsMs: number;
}

function certificatesOf({ node, targets }: Config): Certificate[] {
  const found: Certificate[] = [];
  const add = (place: string, pem: string | undefined): void => {
    const endsMs = pem === undefined ? undefined : endOf(pem);
    if (endsMs !== undefined) found.push({ place, endsMs });
  };
  for (const [name, listener] of listenersOf(node)) {
    if (listener === undefined || listener === false) continue;
    add(`node.${name}.tls.cert`, listener.tls?.cert);
    add(`node.${name}.tls.client_ca`, listener.tls?.client_ca);
  }
  add("node.fleet.tls.cert", node.fleet.tls?.cert);
  add("node.fleet.tls.ca", node.fleet.tls?.ca);
  add("node.coordination.tls.cert", node.coordination.tls?.cert);
  add("node.coordination.tls.ca", node.coordination.tls?.ca);
  for (const { id, tls } of targets) {
    add(`targets.${id}.tls.cert`, tls?.cert);
    add(`targets.${id}.tls.ca`, tls?.ca);
  }
  return found;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu;

/** Undefined for what is no certificate. */
function endOf(pem: string): number | undefined {
  const ends = [...pem.matchAll(BLOCK)].flatMap(([block]) => {
    try {
      return [new X509Certificate(block).validToDate.getTime()];
    } catch {
      return [];
    }
  });
  return ends.length === 0 ? undefined : Math.min(...ends);
}
