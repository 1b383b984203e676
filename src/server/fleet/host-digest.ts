import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { sha256Of } from "../../core/sha256.ts";

/** Where it is read from: a process of another network on this machine has another one. */
const BOOT_FILE = "/proc/sys/kernel/random/boot_id";
const NETWORK_LINK = "/proc/self/ns/net";

/**
 * The same for all processes that reach each other at 127.0.0.1: this start of the machine and its
 * network namespace, or its name where those are not known. Tells nothing else of it.
 */
export function hostDigest(read: () => string = networkOf): string {
  return sha256Of(read()).slice(0, 16);
}

function networkOf(): string {
  try {
    return `${readFileSync(BOOT_FILE, "utf8").trim()} ${readlinkSync(NETWORK_LINK)}`;
  } catch {
    return hostname();
  }
}
