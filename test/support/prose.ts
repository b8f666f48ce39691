// The prose of a file, by sentences: comments, test names and texts of TypeScript, paragraphs, items and cells of Markdown.

export interface Sentence {
  line: number;
  text: string;
}

/** Text that stands together: a comment, a paragraph, a table cell. Sentences do not run from one into another. */
type Block = Sentence;

export function sentencesOf(path: string, text: string): Sentence[] {
  return (path.endsWith(".md") ? markdownBlocks(text) : typescriptBlocks(text)).flatMap(({ line, text: block }) =>
    block.split(/(?<=[.!?:][)"`*_]*)\s+(?=["`*_([]*[A-Z])/).map((sentence) => ({ line, text: sentence.trim() })),
  );
}

function typescriptBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  let comment: Block | undefined;
  for (const [index, line] of lines.entries()) {
    const [, body] = /^\s*(?:\/\/|\/\*\*?|\*(?!\/))\s?(.*?)(?:\s*\*\/)?$/.exec(line) ?? [];
    if (body === undefined || body.trim() === "" || body.startsWith("@")) comment = undefined;
    if (body === undefined) {
      // Comments behind code, test names, and texts that have several words.
      const [, behind] = / \/\/ (.*)$/.exec(line) ?? [];
      if (behind !== undefined) blocks.push({ line: index + 1, text: behind });
      for (const [, , literal = ""] of line.matchAll(/(["`])((?:(?!\1)[^\\]|\\.)*)\1/g))
        if (/\w \w/.test(literal)) blocks.push({ line: index + 1, text: literal });
      continue;
    }
    if (comment) comment.text += ` ${body}`;
    else blocks.push((comment = { line: index + 1, text: body }));
  }
  return blocks;
}

function markdownBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let paragraph: Block | undefined;
  let isCode = false;
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trimStart().startsWith("```")) isCode = !isCode;
    const isText = !isCode && !/^ {4}|^```|^\s*$/.test(line);
    if (!isText || /^(?:#|\||\s*[-*] |\s*\d+\. )/.test(line)) paragraph = undefined;
    if (!isText) continue;
    if (line.startsWith("|")) {
      for (const cell of line.split("|")) if (cell.trim() !== "") blocks.push({ line: index + 1, text: cell.trim() });
      continue;
    }
    const body = line.replace(/^\s*(?:#+ |[-*] |\d+\. )?/, "");
    if (paragraph) paragraph.text += ` ${body}`;
    else blocks.push((paragraph = { line: index + 1, text: body }));
  }
  return blocks;
}

/** The names of tests and groups, each with its line. */
export function testNamesOf(text: string): Sentence[] {
  const starts = [...text.matchAll(/\b(?:describe|test|it)(?:\.\w+)*\(\s*(["`])((?:(?!\1)[^\\]|\\.)*)\1\s*,/g)];
  const tables = [...text.matchAll(/\)\(\s*(["`])((?:(?!\1)[^\\]|\\.)*)\1\s*,\s*(?:async )?(?:\(|\w+ =>)/g)];
  return [...starts, ...tables].map(({ index, 2: name = "" }) => ({
    line: text.slice(0, index).split("\n").length,
    text: name,
  }));
}

/** The fault of a test's name, or undefined. A name begins with its subject or its verb. */
export function nameFaultOf(name: string): string | undefined {
  const [start] = /^(?:That|Where|Whose|Nor|And|Neither)\b/i.exec(name) ?? [];
  return start === undefined ? faultOf(name) : `begins with "${start}"`;
}

/** The fault of a sentence, or undefined. */
export function faultOf(sentence: string): string | undefined {
  const [start] = /^["`*_([─ ]*(?:What|Who|Whoever|Whatever|Whose|Nobody|None)\b(?!\?)/i.exec(sentence) ?? [];
  if (start !== undefined && !sentence.endsWith("?")) return `begins with "${start}"`;
  const [phrase] = BANNED.exec(sentence) ?? [];
  return phrase === undefined ? undefined : `has "${phrase}"`;
}

const BANNED =
  /\b(?:is none|are none|is nobody's|on the spot|thick and fast|(?:look|looks|looked|looking) in on|(?:come|comes|came) by|(?:let|lets|letting) (?:it |them )?go\b|(?:hear|hears|heard) of|has nothing to say|not their deputy|the net under)/i;
