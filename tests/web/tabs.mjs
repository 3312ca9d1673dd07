// Tabs of a browser that is played in Node: engines in this thread, all over one IndexedDB, without navigator.locks.
// Whatever a tab does with the database passes its `fault`.
import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { load, withStore } from '../../web/load.js';
import { describeStorage, makeRoom } from '../../web/room.js';
import { modelPath } from './helpers.mjs';

export const packed = readFileSync(modelPath);
export const RECORD = 1 << 19;
export const COUNT = Math.ceil(packed.length / RECORD);
export const URL_OF_MODEL = 'http://models.example/model';

/** The database of all tabs, as the tests look at it. */
export let database = new IDBFactory();
const acting = new AsyncLocalStorage();

/** The transaction, which does to its requests what the tab's `fault` says of them. */
function withFaults(transaction, tab) {
    const objectStore = transaction.objectStore.bind(transaction);
    const abort = (error) => {
        Object.defineProperty(transaction, 'error', { value: error });
        transaction.abort();
    };
    const faults = {
        /** As Chromium's at the quota: success, and then an end without one. */
        full: (request) =>
            request().addEventListener('success', () => abort(domError('QuotaExceededError'))),
        silent: () => {
            Object.defineProperty(transaction, 'oncomplete', { set: () => {} });
            transaction.abort = () => {};
        },
        killed: () => {
            tab.kill();
            throw new Error('the tab is no more');
        },
    };
    transaction.objectStore = (name) => {
        const store = objectStore(name);
        for (const call of ['get', 'put', 'delete', 'getAllKeys']) {
            const request = store[call].bind(store);
            store[call] = (...args) => {
                const key = call === 'put' ? args[1] : (args[0].lower ?? args[0]);
                const fault = tab.fault?.(call, key);
                if (!fault) return request(...args);
                if (fault instanceof DOMException) abort(fault);
                else faults[fault](() => request(...args));
                return { result: undefined };
            };
        }
        return store;
    };
    return transaction;
}

export const domError = (name, message = 'played') => new DOMException(message, name);

class Connections {
    open(name, version) {
        const tab = acting.getStore();
        tab.onOpen?.();
        const request = database.open(name, version + (tab.newer ?? 0));
        tab.onRequest?.(request);
        request.addEventListener('success', () => {
            const db = request.result;
            const transaction = db.transaction.bind(db);
            db.transaction = (...args) => {
                if (tab.isDead) throw new Error('the tab is no more');
                tab.onTransaction?.(db);
                return withFaults(transaction(...args), tab);
            };
        });
        return request;
    }

    deleteDatabase(name) {
        return database.deleteDatabase(name);
    }
}

/** Another database for all tabs that are opened from now on, with nothing in it. */
export function forgetAll() {
    database = new IDBFactory();
    globalThis.indexedDB = new Connections();
    globalThis.IDBKeyRange = IDBKeyRange;
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
}

/** What one tab's worker is: the same module again, so that each has an engine of its own. */
let lastTab = 0;
function startWorker(tab) {
    const module = import(`../../web/serve.js?tab=${++lastTab}`);
    let take = () => {};
    let isOver = false;
    const post = (message) => void setImmediate(() => isOver || take(structuredClone(message)));
    const engine = module.then(({ serve }) => serve(post, tab.store && (() => tab.store)));
    return {
        post: (message) =>
            void acting.run(tab, async () => {
                const copy = structuredClone(message);
                const receive = await engine;
                setImmediate(() => isOver || receive(copy));
            }),
        onMessage: (listener) => (take = listener),
        onFailure: () => {},
        terminate: () => {
            isOver = true;
            tab.isDead = true;
        },
    };
}

/**
 * A tab. It has loaded nothing yet; what it asks its server for is in `requests`.
 * @param {{fault?: (call: string, key: string) => string | DOMException | undefined, onTransaction?: (db: any) => void,
 *   onOpen?: () => void, onRequest?: (request: any) => void, newer?: number, store?: any, chunkBytes?: number}} [own]
 *   fault: what becomes of each request of its own; the others are called before a transaction, before and after a
 *   request to open, and may throw; newer: of how much later a version its code is; store: another body than
 *   IndexedDB; chunkBytes: in which its source comes
 */
export function openTab(own = {}) {
    const tab = { requests: [], bytes: packed, chunkBytes: RECORD / 2, isDead: false, ...own };
    const platform = {
        // each engine of the tab dies alone
        startWorker: () =>
            startWorker(
                (tab.engine = Object.create(tab, { isDead: { value: false, writable: true } })),
            ),
        startTemplateWorker: () => {
            throw new Error('no template is rendered in these tests');
        },
        isAddress: () => false, // what comes, and what does not, is played here
        open: async (source, signal, { begin = 0, end } = {}) => {
            tab.requests.push([begin, end]);
            return { total: tab.bytes.length, chunks: chunksOf(tab, begin, end) };
        },
        storage: async () => ({ kind: 'IndexedDB', persisted: false, usage: 0, quota: 0 }),
        cores: 2,
    };
    const ask = (use) => withStore(platform, {}, use);
    return Object.assign(tab, {
        load: (more) =>
            load(platform, more?.source ?? URL_OF_MODEL, {
                ...{ threads: 1, flavour: 'simd128', store: { recordBytes: RECORD }, ...more },
            }),
        models: () => ask((op) => op('models', [])),
        remove: (id) => ask((op) => op('removeModel', [id])),
        reset: () => ask((op) => op('resetStore', [])),
        storage: () => ask((op) => describeStorage(op, platform.storage)),
        makeRoom: (bytes) => ask((op) => makeRoom(op, bytes)),
        /** Ends what the tab is at, between two calls of the database. */
        kill: () => (tab.engine.isDead = true),
    });
}

async function* chunksOf(tab, begin, end = tab.bytes.length) {
    for (let at = begin; at < end; at += tab.chunkBytes) {
        await tab.onChunk?.(at);
        yield tab.bytes.slice(at, Math.min(end, at + tab.chunkBytes));
    }
}

const promised = (request) =>
    new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });

/**
 * A connection of the test's own.
 * @param {number} [version]
 * @param {(db: any) => void} [prepare] a new database
 */
export function connect(version, prepare) {
    const request = database.open('trit-models', version);
    request.onupgradeneeded = () => prepare?.(request.result);
    return promised(request);
}

/** Lets a function of the object store be answered. */
export async function inStore(use, mode = 'readwrite') {
    const db = await connect();
    try {
        return await promised(use(db.transaction('values', mode).objectStore('values')));
    } finally {
        db.close();
    }
}

/** The names of all values. */
export const names = () => inStore((store) => store.getAllKeys());
export const records = async () => (await names()).filter((name) => name.startsWith('record/'));

/** The greedy beginning of the model's story; it is closed. */
export async function answer(model) {
    const { ids } = await model.generate('Once upon a time', { temperature: 0, maxTokens: 4 })
        .result;
    model.close();
    return ids;
}

/** A fault of this number of such calls, from 0, of those that concern models. */
export function nth(number, call, fault) {
    let n = 0;
    return (its, key) =>
        its === call && !key.startsWith('lock/') && n++ === number ? fault : undefined;
}

/** Leases of tabs that were killed are over. */
export async function passLeases() {
    for (const name of await names())
        if (name.startsWith('lock/')) await inStore((store) => store.delete(name));
}
