// edge-operations/emulation: scripted operations, to test clients (docs/emulation.md).
export { emulation } from "./service/emulation-script";
