// The store of store.h: named values of bytes. Its body is IndexedDB, or another one with the same five
// functions that JavaScript has put into Module.store before the first call.
//
// Success is the transaction's `complete`, never the request's `success`: at the quota Chromium reports success and
// aborts afterwards. A value is copied out of the engine's memory before it is stored or hashed, as neither
// takes shared memory.
addToLibrary({
    /**
     * @typedef {object} Body all are promises, and an error has a stable `code`
     * @property {(name: string) => Promise<ArrayBuffer | undefined>} get
     * @property {(name: string, value: ArrayBuffer, strict: boolean) => Promise<void>} put
     * @property {(prefix: string) => Promise<string[]>} list
     * @property {(prefix: string) => Promise<void>} remove
     */
    $tritIndexedStore__deps: ['$tritStoreError'],
    $tritIndexedStore: () => {
        const DATABASE = 'trit-models';
        const VERSION = 1;
        const STORE = 'values';
        const LIMIT_MS = 30_000;
        /** @type {Promise<IDBDatabase> | null} */
        let opened = null;

        const open = () =>
            new Promise((resolve, reject) => {
                const request = indexedDB.open(DATABASE, VERSION);
                request.onupgradeneeded = () => request.result.createObjectStore(STORE);
                request.onsuccess = () => {
                    const db = request.result;
                    db.onclose = () => (opened = null);
                    db.onversionchange = () => {
                        opened = null;
                        db.close();
                    };
                    resolve(db);
                };
                request.onerror = () => reject(request.error);
                request.onblocked = () =>
                    reject(
                        tritStoreError(
                            'DB_BLOCKED',
                            'another tab holds an older version of the storage: close it',
                        ),
                    );
            });

        const isGone = (error) =>
            error?.name === 'InvalidStateError' || /connection.*lost/i.test(error?.message ?? '');

        /** What `work` puts into a transaction is there for good when this is done. */
        const transact = async (mode, durability, work) => {
            const db = await (opened ??= open().catch((error) => {
                opened = null;
                throw error;
            }));
            let timer;
            try {
                return await new Promise((resolve, reject) => {
                    const transaction = db.transaction(STORE, mode, { durability });
                    const request = work(transaction.objectStore(STORE));
                    timer = setTimeout(() => {
                        reject(tritStoreError('STORAGE_TIMEOUT', 'the storage does not answer'));
                        transaction.abort();
                    }, LIMIT_MS);
                    transaction.oncomplete = () => resolve(request.result);
                    transaction.onabort = () => reject(transaction.error ?? request.error);
                });
            } finally {
                clearTimeout(timer);
            }
        };

        // A connection may have died since it was used last: with another one the work is done again, once.
        const again = async (mode, durability, work) => {
            try {
                return await transact(mode, durability, work);
            } catch (error) {
                if (!isGone(error)) throw error;
                opened = null;
                return transact(mode, durability, work);
            }
        };

        const range = (prefix) => IDBKeyRange.bound(prefix, prefix + '\uffff');
        return {
            get: async (name) => {
                try {
                    return await again('readonly', 'default', (store) => store.get(name));
                } catch (error) {
                    // the value's own file is damaged or gone, others are well
                    if (['NotReadableError', 'DataError', 'UnknownError'].includes(error?.name))
                        return undefined;
                    throw error;
                }
            },
            put: (name, value, strict) =>
                again('readwrite', strict ? 'strict' : 'relaxed', (store) =>
                    store.put(value, name),
                ),
            list: (prefix) =>
                again('readonly', 'default', (store) => store.getAllKeys(range(prefix))),
            remove: (prefix) =>
                again('readwrite', 'strict', (store) => store.delete(range(prefix))),
        };
    },

    $tritStoreError: (code, message) => Object.assign(new Error(message), { code }),

    $tritStore__deps: [
        '$tritIndexedStore',
        '$tritStoreError',
        'malloc',
        'free',
        'trit_js_sha256',
        'trit_js_store_answer',
    ],
    $tritStore: {
        /** Answers of an older round come from a model that has been closed: its memory is gone. */
        round: 0,
        lastError: undefined,
        release: undefined,

        body: () => {
            return (Module['store'] ??= tritIndexedStore());
        },

        /** Does the work, and gives its outcome to C, once. */
        ask: (answer, work) => {
            const { round } = tritStore;
            const reply = (result, n) => {
                if (round === tritStore.round) _trit_js_store_answer(answer, result, n);
            };
            Promise.resolve()
                .then(work)
                .then(
                    // not "then", which would make a promise of it
                    ({ result = 0, n = 0, give }) => {
                        if (round !== tritStore.round) return;
                        give?.();
                        reply(result, n);
                    },
                    (error) => {
                        tritStore.lastError = error;
                        reply(2, 0);
                    },
                );
        },

        digest: async (bytes) => {
            if (globalThis.crypto?.subtle)
                return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
            const at = _malloc(bytes.length + 32);
            if (!at) throw tritStoreError('OOM', 'no memory for a record of the store');
            HEAPU8.set(bytes, at);
            _trit_js_sha256(at, bytes.length, at + bytes.length);
            const digest = HEAPU8.slice(at + bytes.length, at + bytes.length + 32);
            _free(at);
            return digest;
        },
    },

    trit_store_put__deps: ['$tritStore', '$UTF8ToString'],
    trit_store_put: (name, value, n, strict, answer) => {
        const key = UTF8ToString(name);
        const copy = HEAPU8.slice(value >>> 0, (value >>> 0) + n);
        tritStore.ask(answer, async () => {
            copy.set(await tritStore.digest(copy.subarray(32)));
            await tritStore.body().put(key, copy.buffer, Boolean(strict));
            return { give: () => HEAPU8.set(copy.subarray(0, 32), value >>> 0) };
        });
    },

    trit_store_get__deps: ['$tritStore', '$tritStoreError', '$UTF8ToString'],
    trit_store_get: (name, into, capacity, digest, answer) => {
        const key = UTF8ToString(name);
        tritStore.ask(answer, async () => {
            const value = await tritStore.body().get(key);
            // a value that is none of ours, or too short to be one, is as good as none
            if (!(value instanceof ArrayBuffer) || value.byteLength < 32) return { result: 1 };
            const bytes = new Uint8Array(value);
            if (bytes.length > capacity) return { result: 1 };
            const found = await tritStore.digest(bytes.subarray(32));
            return {
                n: bytes.length,
                give: () => {
                    HEAPU8.set(bytes, into >>> 0);
                    HEAPU8.set(found, digest >>> 0);
                },
            };
        });
    },

    trit_store_list__deps: ['$tritStore', '$tritStoreError', '$UTF8ToString'],
    trit_store_list: (prefix, into, capacity, answer) => {
        const key = UTF8ToString(prefix);
        tritStore.ask(answer, async () => {
            const names = await tritStore.body().list(key);
            const text = names.map((name) => `${name}\n`).join('');
            const bytes = new TextEncoder().encode(text);
            if (bytes.length > capacity)
                throw tritStoreError('STORAGE', 'the storage holds more values than it can');
            return { n: bytes.length, give: () => HEAPU8.set(bytes, into >>> 0) };
        });
    },

    trit_store_remove__deps: ['$tritStore', '$UTF8ToString'],
    trit_store_remove: (prefix, answer) => {
        const key = UTF8ToString(prefix);
        tritStore.ask(answer, async () => {
            await tritStore.body().remove(key);
            return {};
        });
    },

    trit_store_lock__deps: ['$tritStore', '$UTF8ToString'],
    trit_store_lock: (name, how, answer) => {
        const lock = `trit:model:${UTF8ToString(name)}`;
        tritStore.ask(answer, async () => {
            const body = tritStore.body();
            const stop = new AbortController();
            tritStore.release = () => stop.abort();
            const mode = how === 0 ? 'shared' : 'exclusive';
            const wish = how === 2 ? { mode, ifAvailable: true } : { mode, signal: stop.signal };
            const locks = body.locks ?? globalThis.navigator?.locks;
            // without https there are none: two pages may then store the same twice
            if (!locks) return {};
            return new Promise((resolve, reject) => {
                const held = (granted) => {
                    if (!granted) return resolve({ result: 1 });
                    const done = new Promise((end) => (tritStore.release = end));
                    resolve({});
                    return done;
                };
                locks.request(lock, wish, held).catch(reject);
            });
        });
    },

    trit_store_unlock__deps: ['$tritStore'],
    trit_store_unlock: () => {
        tritStore.release?.();
        tritStore.release = undefined;
        tritStore.round++;
    },

    trit_store_finished__deps: ['$tritStore'],
    trit_store_finished: (status) => {
        const { lastError } = tritStore;
        tritStore.lastError = undefined;
        Module['finished'](status, lastError);
    },
});
