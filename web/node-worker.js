import { parentPort } from 'node:worker_threads';
import { openNodeStore } from './node-store.js';
import { serve } from './serve.js';

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
port.on(
    'message',
    serve((message, transfer) => port.postMessage(message, transfer ?? []), openNodeStore),
);
