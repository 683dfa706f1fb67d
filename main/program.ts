/**
 * The whole program but its shell: listener, queue, delivery, engine and API wired together. Plain Node: the Electron
 * shell (app/compose.ts), the tests and the benches all run this same composition with their own ports.
 */
import { mkdir } from 'node:fs/promises';
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { EngineApi } from '../shared/ipc-contract.ts';
import type { AppStatus } from '../shared/status.ts';
import { createApi } from './api.ts';
import { createDelivery } from './delivery/delivery.ts';
import { createDns } from './delivery/dns.ts';
import { createDialUpDriver } from './dial-up-driver.ts';
import { drop } from './drop.ts';
import { createEngine, type Engine } from './engine.ts';
import { createSmtpListener, type SmtpListener } from './listener/smtp-listener.ts';
import { createLog } from './log/log.ts';
import type { Clock, DialUp, Log, NetworkMonitor, QueueStore, Random, SecretStore, SettingsStore } from './ports.ts';
import { createProblems, type Problems } from './problems.ts';
import { createQueueIds } from './queue-id.ts';
import { openQueueStore } from './queue/open-queue-store.ts';
import { createReporter } from './reports.ts';
import { appStatus } from './status.ts';
import { systemClock, systemRandom } from './system.ts';
