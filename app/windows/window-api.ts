/** Calls that only a window can make: dialogs, folders, clipboard. No path ever comes from or goes to a page. */
import { app, clipboard, dialog, shell, type BrowserWindow } from 'electron';
import { mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { WindowApi } from '../../shared/ipc-contract.ts';
import { fail, ok, type Failure, type Result } from '../../shared/result.ts';
import type { RunningEngine } from '../engine/engine-port.ts';
import { safeFileName } from '../../shared/file-name.ts';
import { saveFile } from './save-file.ts';
import { openOutside, type Windows } from './windows.ts';
import type { ShellWords } from '../shell/words.ts';

/** Options of createWindowApi. */
export interface WindowApiOptions {
  readonly engine: Pick<RunningEngine, 'api' | 'attachment'>;
  readonly windows: Windows;
  readonly logs: string;
  readonly words: () => ShellWords;
  /** Shows the settings window at a page. */
  readonly openSettings: (page: string) => Promise<void>;
}

const MAX_TEXT = 16 * 1024 * 1024;

/** See WindowApi in the contract. */
export function createWindowApi(options: WindowApiOptions): WindowApi {
  const parent = (): BrowserWindow | null => options.windows.get('settings') ?? options.windows.get('main');

  async function askWhere(title: string, name: string, endings: readonly string[]): Promise<string | null> {
    const settings = {
      title,
      defaultPath: path.join(app.getPath('downloads'), name),
      // On Linux the system asks before a file is replaced only if it is told to, and it asks about the name as it was
      // typed: with a filter, Electron would put the ending behind it afterwards, and replace a file that nobody asked about.
      filters:
        endings.length === 0 || process.platform === 'linux'
          ? []
          : [{ name: endings.join(', '), extensions: [...endings] }],
      properties: ['showOverwriteConfirmation' as const, 'createDirectory' as const],
    };
    const over = parent();
    const answer = over === null ? await dialog.showSaveDialog(settings) : await dialog.showSaveDialog(over, settings);
    return answer.canceled || answer.filePath === '' ? null : answer.filePath;
  }

  async function saved(
    title: string,
    name: string,
    endings: readonly string[],
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<Result<{ readonly saved: boolean }>> {
    const file = await askWhere(title, name, endings);
    if (file === null) return ok({ saved: false });
    try {
      await saveFile(file, chunks);
      return ok({ saved: true });
    } catch (error) {
      if (error instanceof ReadFailure) return { ok: false, error: error.failure };
      return fail('disk', `The file could not be written (${(error as NodeJS.ErrnoException).code ?? 'error'}).`);
    }
  }

  return {
    'app.saveMessage': async ({ id }) => {
      const { api } = options.engine;
      const details = await api['queue.show']({ id });
      if (!details.ok) return details;
      const name = safeFileName(`${details.value.subject}.eml`, `${id}.eml`);
      return saved(options.words().saveMessage, name, ['eml'], rawMessage(api, id));
    },
    'app.saveAttachment': async ({ id, index }) => {
      const attachment = await options.engine.attachment(id, index);
      if (!attachment.ok) return attachment;
      const { name, bytes } = attachment.value;
      return saved(options.words().saveAttachment, safeFileName(name, `attachment-${index + 1}`), [], single(bytes));
    },
    'app.saveText': async ({ suggestedName, text }) =>
      saved(
        options.words().saveText,
        safeFileName(suggestedName, 'postcast.txt'),
        [],
        single(Buffer.from(text, 'utf8')),
      ),
    'app.openText': async () => {
      const settings = { title: options.words().openText, properties: ['openFile' as const] };
      const over = parent();
      const answer =
        over === null ? await dialog.showOpenDialog(settings) : await dialog.showOpenDialog(over, settings);
      const [file] = answer.filePaths;
      if (answer.canceled || file === undefined) return ok({ text: null });
      try {
        if ((await stat(file)).size > MAX_TEXT) return fail('too-long', options.words().tooLarge);
        return ok({ text: await readFile(file, 'utf8') });
      } catch (error) {
        return fail('disk', `The file could not be read (${(error as NodeJS.ErrnoException).code ?? 'error'}).`);
      }
    },
    'app.openLogs': async () => {
      await mkdir(options.logs, { recursive: true, mode: 0o700 });
      const problem = await shell.openPath(options.logs);
      return problem === '' ? ok({}) : fail('unavailable', problem);
    },
    'app.openSettings': async ({ page }) => {
      await options.openSettings(page);
      return ok({});
    },
    'app.openExternal': async ({ url }) => {
      openOutside(url);
      return ok({});
    },
    'app.copy': async ({ text }) => {
      await Promise.resolve(clipboard.writeText(text));
      return ok({});
    },
  };
}

class ReadFailure extends Error {
  readonly failure: Failure;
  constructor(failure: ReadFailure['failure']) {
    super(failure.message);
    this.failure = failure;
  }
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* rawMessage(api: RunningEngine['api'], id: string): AsyncGenerator<Uint8Array> {
  let offset = 0;
  let total = 1;
  while (offset < total) {
    const piece = await api['queue.raw']({ id, offset, length: 1024 * 1024 });
    if (!piece.ok) throw new ReadFailure(piece.error);
    const bytes = Buffer.from(piece.value.base64, 'base64');
    // Half a message must not pass for the whole.
    if (bytes.length === 0 && offset < piece.value.total)
      throw new ReadFailure({ code: 'store-corrupt', message: 'Some of the message is missing in the queue.' });
    total = piece.value.total;
    offset += bytes.length;
    yield bytes;
  }
}
