// The worker of faulty.mjs in Node, and what a test starts it with.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { isRemote, openNode } from '../../web/node-source.js';

if (!isMainThread && workerData?.trit) {
    const { openNodeStore } = await import('../../web/node-store.js');
    const { serve } = await import('../../web/serve.js');
    const { faultyWorker, withFaults } = await import('./faulty.mjs');
    const library = createRequire(import.meta.url)('node:worker_threads');
    const throwing = ['throw new Error("no thread")', { eval: true }];
    if (workerData.trit.memory === 'none') {
        WebAssembly.Memory = class {
            constructor() {
                throw new RangeError('could not allocate memory');
            }
        };
    } else if (workerData.trit.memory === 'fixed') {
        WebAssembly.Memory.prototype.grow = () => {
            throw new RangeError('failed to grow memory');
        };
    }
    library.Worker = faultyWorker(Worker, workerData.trit.threads, throwing);
    const post = (message, transfer) => parentPort.postMessage(message, transfer ?? []);
    const own = { end: () => process.exit(), threads: library.Worker.threads };
    parentPort.on('message', withFaults(serve(post, openNodeStore), post, own));
}

/**
 * A platform for `load` whose workers are kept: `workers` in the order in which they came.
 * @param {{threads?: 'silent' | 'throwing', memory?: 'none' | 'fixed'}} [trit]
 */
export function faultyPlatform(trit = {}) {
    const workers = [];
    const startWorker = () => {
        const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { trit } });
        workers.push(worker);
        return {
            post: (message, transfer) => worker.postMessage(message, transfer),
            onMessage: (take) => void worker.on('message', take),
            onFailure: (take) => {
                worker.on('error', take);
                worker.on('exit', () => take(new Error('the worker has ended')));
            },
            terminate: () => void worker.terminate(),
        };
    };
    return {
        workers,
        startWorker,
        startTemplateWorker: () => {
            throw new Error('no template is rendered in these tests');
        },
        open: openNode,
        isAddress: isRemote,
        storage: async () => ({ kind: 'files', persisted: true, usage: null, quota: null }),
        cores: 2,
    };
}
