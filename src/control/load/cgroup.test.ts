import assert from "node:assert/strict";
import { test } from "node:test";
import { openCgroup } from "./cgroup.ts";
import { openAllowance } from "./machine.ts";

type Files = Record<string, string>;

const V2 = "/sys/fs/cgroup/kubepods.slice/pod1.slice/cri-1.scope";
const MIB = 1_048_576;

/** As recorded from containers and machines. */
const cases: { name: string; files: Files; cores: number | undefined; memory: [number, number] | undefined }[] = [
  {
    name: "v2 in a container: its own files are at the root",
    files: {
      "/proc/self/cgroup": "0::/\n",
      "/sys/fs/cgroup/cpu.max": "150000 100000\n",
      "/sys/fs/cgroup/memory.max": "536870912\n",
      "/sys/fs/cgroup/memory.current": "314572800\n",
      "/sys/fs/cgroup/memory.stat": "anon 209715200\nfile 104857600\ninactive_file 52428800\nactive_file 52428800\n",
    },
    cores: 1.5,
    memory: [250 * MIB, 512 * MIB],
  },
  {
    name: "v2 on the host: limits above bind, too, and the fullest counts",
    files: {
      "/proc/self/cgroup": "0::/kubepods.slice/pod1.slice/cri-1.scope\n",
      [`${V2}/cpu.max`]: "max 100000\n",
      [`${V2}/memory.max`]: "max\n",
      [`${V2}/memory.current`]: "104857600\n",
      "/sys/fs/cgroup/kubepods.slice/pod1.slice/cpu.max": "200000 100000\n",
      "/sys/fs/cgroup/kubepods.slice/pod1.slice/memory.max": "1073741824\n",
      "/sys/fs/cgroup/kubepods.slice/pod1.slice/memory.current": "536870912\n",
      "/sys/fs/cgroup/kubepods.slice/cpu.max": "400000 100000\n",
      "/sys/fs/cgroup/kubepods.slice/memory.max": "8589934592\n",
      "/sys/fs/cgroup/kubepods.slice/memory.current": "1073741824\n",
    },
    cores: 2,
    memory: [512 * MIB, 1_024 * MIB],
  },
  {
    name: "v1 on the host",
    files: {
      "/proc/self/cgroup": "11:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n",
      "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "50000\n",
      "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "268435456\n",
      "/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": "157286400\n",
      "/sys/fs/cgroup/memory/docker/abc/memory.stat": "inactive_file 1\ntotal_inactive_file 52428800\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
    },
    cores: 0.5,
    memory: [100 * MIB, 256 * MIB],
  },
  {
    name: "v1 in a container whose path is the host's: its own files are at the root",
    files: {
      "/proc/self/cgroup": "11:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n",
      "/sys/fs/cgroup/memory/memory.usage_in_bytes": "26843545\n",
    },
    cores: 3,
    memory: [26_843_545, 256 * MIB],
  },
  {
    name: "a hybrid: cpu of v1 without a limit, and no file of memory",
    files: {
      "/proc/self/cgroup": "4:memory:/process_api/45c5\n1:cpu:/\n0::/\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    },
    cores: undefined,
    memory: undefined,
  },
  { name: "no Linux", files: {}, cores: undefined, memory: undefined },
  {
    name: "files that say something else",
    files: {
      "/proc/self/cgroup": "what\n0::/\n",
      "/sys/fs/cgroup/cpu.max": "\n",
      "/sys/fs/cgroup/memory.max": "much\n",
      "/sys/fs/cgroup/memory.current": "1\n",
    },
    cores: undefined,
    memory: undefined,
  },
];

for (const { name, files, cores, memory } of cases) {
  test(`cgroup: ${name}`, () => {
    const cgroup = openCgroup((path) => files[path]);
    assert.equal(cgroup.cores(), cores);
    const found = cgroup.memory();
    assert.deepEqual(found && [found.usedBytes, found.limitBytes], memory);
  });
}

test("cgroup: limits that change while the process runs count from then on", () => {
  const files: Files = { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n" };
  const cgroup = openCgroup((path) => files[path]);
  assert.equal(cgroup.cores(), undefined);
  files["/sys/fs/cgroup/cpu.max"] = "250000 100000\n";
  assert.equal(cgroup.cores(), 2.5);
});

test("allowance: what a cgroup allows, and without one the machine", () => {
  const files: Files = {
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/cpu.max": "150000 100000\n",
    "/sys/fs/cgroup/memory.max": "1000\n",
    "/sys/fs/cgroup/memory.current": "900\n",
  };
  const machine = { cores: 4, totalBytes: 2_000, availableBytes: () => 1_500 };
  const limited = openAllowance({ ...machine, readFile: (path) => files[path] });
  assert.deepEqual([limited.cores(), limited.memoryShare()], [1.5, 0.9]);
  files["/sys/fs/cgroup/memory.max"] = "4000\n";
  files["/sys/fs/cgroup/cpu.max"] = "900000 100000\n";
  assert.deepEqual([limited.cores(), limited.memoryShare()], [4, 0.25], "more than the machine has is no limit");
  const free = openAllowance({ ...machine, readFile: () => undefined });
  assert.deepEqual([free.cores(), free.memoryShare()], [4, 0.25]);
});
