import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { join } from 'node:path';
import NodemailerConnection from 'nodemailer/lib/smtp-connection';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const versionOf = (name: string): string =>
  (createRequire(import.meta.url)(`${name}/package.json`) as { readonly version: string }).version;

/** The tables of the page, by the name of their class. */
function tables(): ReadonlyMap<string, readonly { readonly member: string; readonly overridden: boolean }[]> {
  const sections = read('docs/library-overrides.md').split(/^### /m).slice(1);
  return new Map(
    sections.map((section) => [
      section.split('\n', 1)[0] ?? '',
      [...section.matchAll(/^\| `(\w+)` +\| (yes|no) /gm)].map(([, member = '', yes]) => ({
        member,
        overridden: yes === 'yes',
      })),
    ]),
  );
}

/** It is there, or one of the class's methods sets it. */
function hasMember(instance: object, member: string): boolean {
  if (member in instance) return true;
  const prototype = Object.getPrototypeOf(instance) as object;
  return Object.values(Object.getOwnPropertyDescriptors(prototype)).some(({ value }) =>
    String(value).includes(`this.${member} = `),
  );
}

const server = new SMTPServer({ logger: false });
const CLASSES = [
  { name: 'SMTPServer', instance: server, files: ['main/listener/session-server.ts'] },
  {
    name: 'SMTPConnection',
    instance: new SMTPConnection(server, new Socket()),
    files: ['main/listener/session-connection.ts', 'main/listener/listener-session.ts'],
  },
  { name: 'SMTPStream', instance: new SMTPStream(), files: ['main/listener/session-parser.ts'] },
  {
    name: 'SMTPConnection of `nodemailer/lib/smtp-connection`',
    instance: new NodemailerConnection({}),
    files: ['main/smtp/connection.ts'],
  },
] as const;

describe('members of libraries in docs/library-overrides.md', () => {
  it.each(['smtp-server', 'nodemailer'])('is written for the installed %s, whose version is pinned', (name) => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    expect(dependencies[name]).toBe(versionOf(name));
    expect(read('docs/library-overrides.md')).toContain(`## ${name} ${versionOf(name)}\n`);
  });

  it.each(CLASSES)('$name has every one of them', ({ name, instance }) => {
    const rows = tables().get(name) ?? [];
    expect(rows.length).toBeGreaterThan(0);
    const missing = rows.filter(({ member }) => !hasMember(instance, member)).map(({ member }) => member);
    expect(missing, `${name} of the installed version lacks members that this program builds on`).toEqual([]);
    const noFunctions = rows
      .filter(({ member, overridden }) => overridden && typeof Reflect.get(instance, member) !== 'function')
      .map(({ member }) => member);
    expect(noFunctions, `${name} of the installed version would not call these overrides`).toEqual([]);
  });

  it.each(CLASSES)('lists those of $name that the source uses', ({ name, files }) => {
    const listed = new Set((tables().get(name) ?? []).map(({ member }) => member));
    for (const file of files) {
      const used = [...read(file).matchAll(/(?:this|super)\.(_\w+|handler_\w+)|^ {2}(?:override )?(_\w+)\(/gm)];
      const unlisted = used.map(([, a, b]) => a ?? b ?? '').filter((member) => !listed.has(member));
      expect([...new Set(unlisted)], `${file} uses members that docs/library-overrides.md does not list`).toEqual([]);
    }
  });
});
