// The figures of docs/performance.md: each command writes between its own marks, the words around them are by hand.
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";

const DOCUMENT = resolve(import.meta.dirname, "../../docs/performance.md");

export async function writeFigures(command: string, markdown: string): Promise<void> {
  const begin = `<!-- npm run ${command}: begin -->`;
  const end = `<!-- npm run ${command}: end -->`;
  const document = await readFile(DOCUMENT, "utf8");
  const [before, , after] = [document.split(begin)[0], begin, document.split(end)[1]];
  if (before === document || after === undefined) throw new Error(`docs/performance.md has no place for ${command}`);
  await writeFile(DOCUMENT, `${before}${begin}\n\n${markdown.trim()}\n\n${end}${after}`);
}
