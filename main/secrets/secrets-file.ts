/** The file `secrets` of the profile: read so that what is in it is never taken for nothing, written all or nothing. */
import { lstatSync, readFileSync, realpathSync, renameSync } from 'node:fs';
import { chmod, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { readBinding, type SecretBinding } from '../../shared/secret-binding.ts';

/** One secret as it can be used. */
export interface Entry {
  readonly protection: 'protected' | 'obfuscated';
  /** Encrypted, base64. */
  readonly data: string;
  readonly binding: SecretBinding | null;
}

/** What the file holds. Entries stay as they stand there until they are replaced, whether they are understood or not. */
export interface SecretsContent {
  /** 1: of a program that did not know what secrets are given for. */
  version: 1 | 2;
  /** Whatever else stands in it. */
  readonly rest: Readonly<Record<string, unknown>>;
  readonly entries: Map<string, unknown>;
}

/** The outcome of reading. */
export type ReadSecrets =
  | { readonly kind: 'read'; readonly content: SecretsContent; readonly setAside: string | null }
  /** It is there, but nobody knows what is in it: nothing may be written in its place. */
  | { readonly kind: 'unreadable'; readonly why: string };

const nothing = (): SecretsContent => ({ version: 2, rest: {}, entries: new Map() });

/**
 * Reads the file. Only where there is none it holds nothing; one that is damaged is renamed first (`setAside`: its new
 * name), and counts as unreadable while it cannot be. Never throws.
 */
export function readSecrets(file: string): ReadSecrets {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return isAbsent(file, error)
      ? { kind: 'read', content: nothing(), setAside: null }
      : { kind: 'unreadable', why: codeOf(error) };
  }
  const content = parse(text);
  if (content !== null) return { kind: 'read', content, setAside: null };
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
  let aside = `${file}.broken-${stamp}`;
  try {
    for (let n = 2; isThere(aside); n++) aside = `${file}.broken-${stamp}-${n}`;
    renameSync(file, aside);
  } catch (error) {
    return { kind: 'unreadable', why: `damaged, and cannot be set aside: ${codeOf(error)}` };
  }
  return { kind: 'read', content: nothing(), setAside: path.basename(aside) };
}

/** What one entry of the file says; null if it is not understood. */
export function readEntry(raw: unknown): Entry | null {
  if (!isObject(raw) || typeof raw['data'] !== 'string') return null;
  return {
    data: raw['data'],
    protection: raw['protection'] === 'obfuscated' ? 'obfuscated' : 'protected',
    binding: readBinding(raw['binding']),
  };
}

/** All or nothing, on disk when it resolves, for this user's eyes only. */
export async function writeSecrets(file: string, { version, rest, entries }: SecretsContent): Promise<void> {
  const text = `${JSON.stringify({ ...rest, version, entries: Object.fromEntries(entries) })}\n`;
  // Where a link leads to: a file that is kept on another volume stays there.
  const target = isThere(file) ? realpathSync(file) : file;
  const temporary = `${target}.tmp`;
  try {
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await chmod(temporary, 0o600);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(path.dirname(target));
}

/** The new name of a file outlives a power cut only then; Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The file itself is on disk.
  }
}

function parse(text: string): SecretsContent | null {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  const { version, entries, ...rest } = value;
  if ((version !== 1 && version !== 2) || !isObject(entries)) return null;
  return { version, rest, entries: new Map(Object.entries(entries)) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A link to a place that is not there at the moment is a file that cannot be read. */
function isAbsent(file: string, error: unknown): boolean {
  return codeOf(error) === 'ENOENT' && !isThere(file);
}

function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'disk error';
}
