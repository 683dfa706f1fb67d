#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { version } from '../package.json';

const { values } = parseArgs({ options: { version: { type: 'boolean' } }, allowPositionals: true });
if (values.version === true) process.stdout.write(`${version}\n`);
else {
  process.stderr.write('Usage: postcast --version\n');
  process.exitCode = 2;
}
