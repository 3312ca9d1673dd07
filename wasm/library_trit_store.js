// The store of store.h: named values of bytes. Its body is IndexedDB (library_trit_indexed.js), or another one with
// the same functions that JavaScript has put into Module.store before the first call.
//
// A value is copied out of the engine's memory before it is stored or hashed, as neither takes shared memory.
addToLibrary({
    $tritStoreError: (code, message, cause) =>
        Object.assign(new Error(message, { cause }), { code }),

    $tritStore__deps: [
        '$tritIndexedStore',
        '$tritLease',
        '$tritStoreError',
        'malloc',
        'free',
        'trit_js_sha256',
        'trit_js_store_answer',
    ],
    $tritStore__postset:
        "Module['storeCalls'] = tritStore.calls; Module['storeReleased'] = () => tritStore.released;",
    $tritStore: {
        /** How often C has called each function. */
        calls: { put: 0, get: 0, list: 0, remove: 0, reset: 0, lock: 0, unlock: 0 },
        /** Answers of an older round come from a model that has been closed: its memory is gone. */
        round: 0,
        lastError: undefined,
        release: undefined,
        /** Settles when the last lock has been given back. */
        released: undefined,

        body: () => {
            return (Module['store'] ??= tritIndexedStore());
        },

        locks: () => {
            const body = tritStore.body();
            return body.locks ?? globalThis.navigator?.locks ?? (body.locks = tritLease(body));
        },

        /** Does the work of a call, and gives its outcome to C, once. */
        ask: (call, answer, work) => {
            const { round } = tritStore;
            tritStore.calls[call]++;
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
                        if (round !== tritStore.round) return;
                        tritStore.lastError = error;
                        reply(2, 0);
                    },
                )
                .catch((trap) => Module['crashed'](trap)); // inside C, which nobody waits for
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
        tritStore.ask('put', answer, async () => {
            copy.set(await tritStore.digest(copy.subarray(32)));
            await tritStore.body().put(key, copy.buffer, Boolean(strict));
            return { give: () => HEAPU8.set(copy.subarray(0, 32), value >>> 0) };
        });
    },

    trit_store_get__deps: ['$tritStore', '$tritStoreError', '$UTF8ToString'],
    trit_store_get: (name, into, capacity, digest, answer) => {
        const key = UTF8ToString(name);
        tritStore.ask('get', answer, async () => {
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
        tritStore.ask('list', answer, async () => {
            const names = await tritStore.body().list(key);
            const text = names.map((name) => `${name}\n`).join('');
            const bytes = new TextEncoder().encode(text);
            if (bytes.length > capacity)
                throw tritStoreError(
                    'STORAGE',
                    'the storage holds more values than it can: Trit.resetStorage() begins a new one',
                );
            return { n: bytes.length, give: () => HEAPU8.set(bytes, into >>> 0) };
        });
    },

    trit_store_remove__deps: ['$tritStore', '$UTF8ToString'],
    trit_store_remove: (prefix, answer) => {
        const key = UTF8ToString(prefix);
        tritStore.ask('remove', answer, async () => {
            await tritStore.body().remove(key);
            return {};
        });
    },

    trit_store_reset__deps: ['$tritStore'],
    trit_store_reset: (answer) => {
        tritStore.ask('reset', answer, async () => {
            await tritStore.body().reset();
            return {};
        });
    },

    trit_store_lock__deps: ['$tritStore', '$UTF8ToString'],
    trit_store_lock: (name, how, answer) => {
        const lock = `trit:model:${UTF8ToString(name)}`;
        const stop = new AbortController();
        tritStore.release = () => stop.abort();
        const mode = how === 0 ? 'shared' : 'exclusive';
        const wish = how === 2 ? { mode, ifAvailable: true } : { mode, signal: stop.signal };
        tritStore.ask('lock', answer, () => {
            return new Promise((resolve, reject) => {
                const held = (granted) => {
                    if (stop.signal.aborted) return undefined; // meanwhile nobody wants it any more
                    if (!granted) return resolve({ result: 1 });
                    const done = new Promise((end) => (tritStore.release = end));
                    resolve({});
                    return done;
                };
                tritStore.released = tritStore.locks().request(lock, wish, held).catch(reject);
            });
        });
    },

    trit_store_unlock__deps: ['$tritStore'],
    trit_store_unlock: () => {
        tritStore.calls.unlock++;
        tritStore.release?.();
        tritStore.release = undefined;
        tritStore.round++;
    },

    trit_store_finished__deps: ['$tritStore'],
    trit_store_finished: (status) => {
        const { lastError } = tritStore;
        // a record may have failed while another request went well: whoever asks for room next is told
        if (status < 0) tritStore.lastError = undefined;
        Module['finished'](status, lastError);
    },
});
