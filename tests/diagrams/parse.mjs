// Parses each file that is named as Mermaid does, and says what it found; fails at the first that it does not take.
import { readFile } from 'node:fs/promises';
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('<!DOCTYPE html><body></body>');
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import('mermaid');

for (const file of process.argv.slice(2)) {
  const text = await readFile(file, 'utf8');
  await mermaid.parse(text);
  const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
  const [messages, actors] = [diagram.db.getMessages(), diagram.db.getActors()];
  if (messages.length === 0 || actors.size < 2) throw new Error(`${file}: nothing was drawn`);
  console.log(`ok  ${file.split('/').pop()}: ${messages.length} messages, ${actors.size} actors`);
}
