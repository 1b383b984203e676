/** The content of a file; undefined when there is none, or it cannot be read now. */
export type ReadFile = (path: string) => string | undefined;

/** What the cgroups of this process, and those that they are in, let it use. */
interface Cgroup {
  /** Processors, also a fraction; undefined: no limit of theirs. */
  cores(): number | undefined;
  /** Of the one that is nearest to its limit; undefined: none has one. */
  memory(): CgroupMemory | undefined;
}

interface CgroupMemory {
  /** Without what the system would give back at once: file pages that nobody has touched lately. */
  readonly usedBytes: number;
  readonly limitBytes: number;
}

const ROOT = "/sys/fs/cgroup";
/** v1 says so large a number where it has no limit. */
const NO_LIMIT = 2 ** 60;

/** Reads where the process is once; limits and use are read whenever they are asked for. */
export function openCgroup(read: ReadFile): Cgroup {
  const places = placesOf(read("/proc/self/cgroup") ?? "");
  const cpu = placeOf(places, "cpu");
  const memory = placeOf(places, "memory");
  const cpuFolders = foldersWith(read, cpu, cpu.isV2 ? "cpu.max" : "cpu.cfs_quota_us");
  const memoryFolders = foldersWith(read, memory, memory.isV2 ? "memory.max" : "memory.limit_in_bytes");
  return {
    cores: () => least(cpuFolders.map((folder) => (cpu.isV2 ? coresV2(read, folder) : coresV1(read, folder)))),
    memory: () => fullest(memoryFolders.map((folder) => memoryIn(read, folder, memory.isV2))),
  };
}

interface CgroupPlace {
  readonly isV2: boolean;
  /** Mount points that it may have. */
  readonly mounts: readonly string[];
  readonly path: string;
}

const UNIFIED: CgroupPlace = { isV2: true, mounts: [ROOT], path: "/" };

/** Lines of /proc/self/cgroup: `0::/a/b` is v2, `4:cpu,cpuacct:/a/b` a hierarchy of v1. */
function placesOf(text: string): ReadonlyMap<string, CgroupPlace> {
  const places = new Map<string, CgroupPlace>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/u.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === "") places.set("", { ...UNIFIED, path });
    for (const name of controllers.split(",")) {
      if (name !== "") places.set(name, { isV2: false, mounts: [`${ROOT}/${name}`, `${ROOT}/${controllers}`], path });
    }
  }
  return places;
}

function placeOf(places: ReadonlyMap<string, CgroupPlace>, controller: string): CgroupPlace {
  return places.get(controller) ?? places.get("") ?? UNIFIED;
}

/**
 * Its own folder and those above, as far as they have the file: a limit above binds, too. In a
 * container the path may be one of the host, of which only the root can be seen.
 */
function foldersWith(read: ReadFile, { mounts, path }: CgroupPlace, file: string): readonly string[] {
  for (const mount of mounts) {
    const found = upwards(path)
      .map((one) => `${mount}${one}`)
      .filter((folder) => read(`${folder}/${file}`) !== undefined);
    if (found.length > 0) return found;
  }
  return [];
}

/** `/a/b`, `/a` and the root, which is an empty text here. */
function upwards(path: string): readonly string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return Array.from({ length: parts.length + 1 }, (_, i) => {
    return parts
      .slice(0, parts.length - i)
      .map((part) => `/${part}`)
      .join("");
  });
}

function coresV2(read: ReadFile, folder: string): number | undefined {
  const [quota = "", period = ""] = (read(`${folder}/cpu.max`) ?? "").trim().split(" ");
  return coresOf(quota, period);
}

function coresV1(read: ReadFile, folder: string): number | undefined {
  return coresOf(read(`${folder}/cpu.cfs_quota_us`) ?? "", read(`${folder}/cpu.cfs_period_us`) ?? "");
}

/** `max` and -1 are no limits. */
function coresOf(quota: string, period: string): number | undefined {
  const [used, of] = [Number(quota.trim() || "-1"), Number(period.trim() || "100000")];
  return used > 0 && of > 0 ? used / of : undefined;
}

function memoryIn(read: ReadFile, folder: string, isV2: boolean): CgroupMemory | undefined {
  const limitBytes = numberIn(read(`${folder}/${isV2 ? "memory.max" : "memory.limit_in_bytes"}`));
  const heldBytes = numberIn(read(`${folder}/${isV2 ? "memory.current" : "memory.usage_in_bytes"}`));
  if (limitBytes === undefined || limitBytes >= NO_LIMIT || limitBytes <= 0 || heldBytes === undefined)
    return undefined;
  const name = isV2 ? "inactive_file" : "total_inactive_file";
  const [, inactive] = new RegExp(`^${name} (\\d+)$`, "mu").exec(read(`${folder}/memory.stat`) ?? "") ?? [];
  return { usedBytes: Math.max(0, heldBytes - Number(inactive ?? 0)), limitBytes };
}

function numberIn(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  return /^\d+$/u.test(trimmed) ? Number(trimmed) : undefined;
}

function least(all: readonly (number | undefined)[]): number | undefined {
  const known = all.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function fullest(all: readonly (CgroupMemory | undefined)[]): CgroupMemory | undefined {
  const known = all.filter((one) => one !== undefined);
  return known.toSorted((a, b) => b.usedBytes / b.limitBytes - a.usedBytes / a.limitBytes)[0];
}
