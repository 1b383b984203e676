import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../test/support/certs.ts";

/** PEM. */
export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Paths of the same. */
export interface IdentityFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

let made: Promise<Identity> | undefined;

/**
 * A certificate for 127.0.0.1 (ECDSA, P-256) and its authority: the same for all servers of one
 * run.
 */
export function benchIdentity(): Promise<Identity> {
  made ??= make();
  return made;
}

export function writeIdentity({ ca, cert, key }: Identity, dir: string): IdentityFiles {
  const files = { ca: join(dir, "ca.pem"), cert: join(dir, "cert.pem"), key: join(dir, "key.pem") };
  writeFileSync(files.ca, ca);
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  return files;
}

async function make(): Promise<Identity> {
  const authority = await createAuthority("Signalbox benchmark authority");
  return { ca: authority.ca, ...(await authority.server()) };
}
