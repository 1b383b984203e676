import { webcrypto } from "node:crypto";
import type * as X509 from "@peculiar/x509";

/** A certificate and its key, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority {
  /** PEM of the authority itself: what a peer trusts. */
  readonly ca: string;
  /** A server's certificate for these names and addresses. */
  readonly server: (names?: readonly string[]) => Promise<Identity>;
  /** A client's certificate; `names` are those of its SAN, URIs among them. */
  readonly client: (commonName?: string, names?: readonly string[]) => Promise<Identity>;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;

/** A new authority, valid for a day around now. */
export async function createAuthority(commonName = "Signalbox test authority"): Promise<TestAuthority> {
  const x509 = await load();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const issue = async (name: string, extensions: X509.Extension[]): Promise<Identity> => {
    const leaf = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const subject = { subject: `CN=${name}`, issuer: authority.subject, publicKey: leaf.publicKey };
    const signing = { signingKey: keys.privateKey, signingAlgorithm: ALGORITHM, extensions };
    const certificate = await x509.X509CertificateGenerator.create({ ...validity(), ...subject, ...signing });
    const key = await webcrypto.subtle.exportKey("pkcs8", leaf.privateKey);
    return { cert: certificate.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
  };
  return {
    ca: authority.toString("pem"),
    server(names = ["localhost", "127.0.0.1"]) {
      const alternatives = names.map((value) => ({ type: /^[\d.]+$/u.test(value) ? "ip" : "dns", value }) as const);
      const usage = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]);
      return issue(names[0] ?? "localhost", [usage, new x509.SubjectAlternativeNameExtension(alternatives)]);
    },
    client(name = "client", names = []) {
      const usage = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]);
      const alternatives = names.map((value) => ({ type: value.includes("://") ? "url" : "dns", value }) as const);
      return issue(name, [
        usage,
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)]),
      ]);
    },
  };
}

function validity(): { serialNumber: string; notBefore: Date; notAfter: Date } {
  const serialNumber = Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString("hex");
  const nowMs = Date.now(); // oxlint-disable-line no-restricted-globals -- TLS compares with the machine's own time
  return { serialNumber, notBefore: new Date(nowMs - DAY_MS), notAfter: new Date(nowMs + DAY_MS) }; // oxlint-disable-line no-restricted-globals -- as above
}

/**
 * The library asks for a polyfill of the metadata reflection proposal, which it uses to find its
 * own parts. This is as much of it as that takes, and it must be there before the library is
 * loaded.
 */
async function load(): Promise<typeof X509> {
  if (!("getMetadata" in Reflect)) {
    const store = new WeakMap<object, Map<unknown, unknown>>();
    const own = (key: unknown, target: object): unknown => store.get(target)?.get(key);
    Object.assign(Reflect, {
      defineMetadata(key: unknown, value: unknown, target: object): void {
        const entries = store.get(target) ?? new Map<unknown, unknown>();
        store.set(target, entries.set(key, value));
      },
      getOwnMetadata: own,
      getMetadata: own,
      hasOwnMetadata: (key: unknown, target: object): boolean => store.get(target)?.has(key) === true,
    });
  }
  return import("@peculiar/x509");
}
