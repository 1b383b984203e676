import { formatPath, type Path } from "../config/finding.ts";
import { isPem, NOT_PEM } from "../config/pem.ts";
import { proxyFault } from "../config/schema/address.ts";
import { codeOf, FILE_HINT, resolveVariable, withoutLineBreak } from "../config/substitute.ts";
import { RouterError } from "../core/errors.ts";
import { readBoundedLater } from "../core/read-bounded.ts";
import { HEADER_VALUE, HEADER_VALUE_FAULT } from "../core/header-name.ts";
import type { SecretSource } from "../core/secret-source.ts";
import { Unreachable } from "../core/unreachable.ts";
import type { PlanData, TargetData } from "./plan-data.ts";

/** Where secrets of a plan are read, in the process that runs it. */
export interface SecretReader {
  /** The environment, which also says which proxies there are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * The text of a file, by its whole path; rejects when it cannot be read. Default: that of this
   * machine.
   */
  readonly readFile?: (path: string) => Promise<string>;
}

/** Secrets that have been read: only for the place that sends or uses them. */
export interface Secrets {
  readonly env: SecretReader["env"];
  reveal(source: SecretSource): string;
}

/**
 * Reads all secrets of a plan, each reference once. Throws CONFIG_INVALID that names the places of
 * all that cannot be read, or are not what has to be there, in the words that a config with them is
 * refused with.
 */
export async function readSecrets(
  data: Pick<PlanData, "targets" | "linkKeys">,
  reader: SecretReader,
): Promise<Secrets> {
  const reading = new SecretReading(reader);
  const texts = new Map<SecretSource, string>();
  const faults: Fault[] = [];
  for (const { path, kind, source } of placesIn(data)) {
    const read = await reading.read(source, kind);
    const fault = typeof read === "string" ? faultOf(read, kind) : read;
    if (fault !== undefined) faults.push({ message: `${formatPath(path)}: ${fault.message}`, hint: fault.hint });
    else if (typeof read === "string") texts.set(source, read);
  }
  const [first] = faults;
  if (first !== undefined) {
    throw new RouterError("CONFIG_INVALID", faults.map(({ message }) => message).join("\n"), { hint: first.hint });
  }
  return { env: reader.env, reveal: (source) => texts.get(source)! };
}

type SecretKind = "header" | "pem" | "proxy";

interface Fault {
  readonly message: string;
  readonly hint: string;
}

interface SecretPlace {
  /** In a document. */
  readonly path: Path;
  readonly kind: SecretKind;
  readonly source: SecretSource;
}

function placesIn({ targets, linkKeys = [] }: Pick<PlanData, "targets" | "linkKeys">): SecretPlace[] {
  const own = linkKeys.map((source): SecretPlace => ({ path: ["node", "fleet", "token"], kind: "header", source }));
  const ofTargets = targets.flatMap((target, i) => {
    return placesOf(target).map(({ path, ...place }) => ({ ...place, path: ["targets", i, ...path] }));
  });
  return [...own, ...ofTargets];
}

function placesOf({ proxy, headers, tls, health }: TargetData): SecretPlace[] {
  const places: SecretPlace[] = [];
  const add = (path: Path, kind: SecretKind, source: SecretSource | undefined): void => {
    if (source !== undefined) places.push({ path, kind, source });
  };
  for (const [name, source] of Object.entries(headers)) add(["headers", name], "header", source);
  for (const [name, source] of Object.entries(health.check?.headers ?? {})) {
    add(["health_check", "headers", name], "header", source);
  }
  add(["proxy"], "proxy", proxy === "none" ? undefined : proxy);
  for (const key of ["ca", "cert", "key"] as const) add(["tls", key], "pem", tls?.[key]);
  return places;
}

/**
 * Whether a text may stand where it was read for: a file may have changed since the config was
 * found to be right.
 */
function faultOf(text: string, kind: SecretKind): Fault | undefined {
  switch (kind) {
    case "header":
      return HEADER_VALUE.test(text) ? undefined : faultFrom(HEADER_VALUE_FAULT);
    case "pem":
      return isPem(text) ? undefined : faultFrom(NOT_PEM);
    case "proxy": {
      const [message, hint = ""] = proxyFault(text)?.split("\n") ?? [];
      return message === undefined ? undefined : { message, hint };
    }
    default:
      throw new Unreachable(kind);
  }
}

function faultFrom([message, hint]: readonly [string, string]): Fault {
  return { message, hint };
}

/** Reads references; files only once, however often they are named. */
class SecretReading {
  readonly #reader: SecretReader;
  readonly #files = new Map<string, Promise<string>>();

  constructor(reader: SecretReader) {
    this.#reader = reader;
  }

  async read(source: SecretSource, kind: SecretKind): Promise<string | Fault> {
    if ("literal" in source) return source.literal;
    if ("ref" in source) return this.#follow(source, kind);
    let text = "";
    for (const part of source.parts) {
      const read = await this.read(part, kind);
      if (typeof read !== "string") return read;
      text += read;
    }
    return text;
  }

  async #follow(
    { ref, otherwise }: Extract<SecretSource, { readonly ref: string }>,
    kind: SecretKind,
  ): Promise<string | Fault> {
    const colon = ref.indexOf(":");
    const name = ref.slice(colon + 1);
    if (ref.slice(0, colon) === "env") {
      const found = resolveVariable(name, otherwise, this.#reader);
      return "text" in found ? found.text : found;
    }
    try {
      return withoutLineBreak(await this.#file(name));
    } catch (cause) {
      // The path of a certificate may come from a reference itself: it is not repeated.
      const which = kind === "pem" ? "the file" : `the file ${name}`;
      return { message: `cannot read ${which}: ${codeOf(cause)}`, hint: FILE_HINT };
    }
  }

  #file(path: string): Promise<string> {
    const { readFile = readSmallFile } = this.#reader;
    const known = this.#files.get(path) ?? readFile(path);
    this.#files.set(path, known);
    return known;
  }
}

/** Certificates and tokens are small: what is larger is a mistake. */
const MAX_FILE_BYTES = 1_048_576;

async function readSmallFile(path: string): Promise<string> {
  return (await readBoundedLater(path, MAX_FILE_BYTES)).toString();
}
