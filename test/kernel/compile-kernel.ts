import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const COMPILER = `${ROOT}node_modules/assemblyscript/bin/asc.js`;
const SOURCE = "src/otlp/kernel/asked-spans.as.ts";
export const KERNEL_CODE = `${ROOT}src/otlp/kernel/span-kernel-code.ts`;

/** No memory of its own, and nothing of AssemblyScript that has to be there at run time. */
const OPTIONS = ["--runtime", "stub", "--importMemory", "--noExportMemory", "--noAssert", "--enable", "simd", "-O3"];

/** The text of span-kernel-code.ts, as its source gives it. Throws with what the compiler says. */
export function compileKernel(): string {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-kernel-"));
  try {
    const outFile = join(folder, "kernel.wasm");
    execFileSync(process.execPath, [COMPILER, SOURCE, "--outFile", outFile, ...OPTIONS], { cwd: ROOT });
    const text = readFileSync(outFile).toString("base64");
    return [
      "/** asked-spans.as.ts as WebAssembly, in base64: written by `npm run kernel`. */",
      "export const SPAN_KERNEL =",
      `  "${text}";`,
      "",
    ].join("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
