import { isCredential } from "../../core/header-name.ts";
import { atKey, caution, fault, type Finding } from "../finding.ts";
import type { Outline } from "../outline.ts";
import { textOf, valueAt, type Values, valuesOf } from "../values.ts";

const PATH = ["global", "rate_limiting"];

/** Limits of which a part has no effect, or would be told to people who must not know it. */
export function checkLimiting({ root }: Outline): Finding[] {
  const limiting = valuesOf(valueAt(root, ...PATH));
  return limiting === undefined ? [] : [...checkKey(limiting), ...checkPerKey(limiting)];
}

function checkKey({ key }: Values): Finding[] {
  const header = textOf(valuesOf(key)?.["header"])?.toLowerCase();
  if (header === undefined || !isCredential(header)) return [];
  const message = `${header} is a credential, and keys of limits are shown to people`;
  return [fault([...PATH, "key", "header"], message, "use a header that only names the sender")];
}

function checkPerKey(limiting: Values): Finding[] {
  const { max_qps: most, per_service_limit: perKey } = limiting;
  const found: Finding[] = [];
  if (typeof most === "number" && most > 0 && typeof perKey === "number" && perKey >= most) {
    const message = `has no effect: all keys together have max_qps, which is ${most}`;
    found.push(atKey(caution([...PATH, "per_service_limit"], message, "lower it, or take it out")));
  }
  const keys = valuesOf(limiting["keys"]);
  if (perKey !== undefined || (keys !== undefined && Object.keys(keys).length > 0)) return found;
  for (const name of ["key", "mixed"]) {
    if (limiting[name] === undefined) continue;
    const message = "has no effect: no key has a limit of its own";
    found.push(atKey(caution([...PATH, name], message, "add per_service_limit, or keys")));
  }
  return found;
}
