import { writeFileSync } from "node:fs";
import { compileKernel, KERNEL_CODE } from "./compile-kernel.ts";

// Compiles what runs as WebAssembly (npm run kernel); a test tells when it is needed.
writeFileSync(KERNEL_CODE, compileKernel());
