// The body of the store in browsers: IndexedDB.
//
// Success is the transaction's `complete`, never the request's `success`: at the quota Chromium reports success and
// aborts afterwards. Nothing waits for ever: what is not answered in time fails, and what comes later is nobody's.
addToLibrary({
    /**
     * @typedef {object} Body all are promises, and an error has a stable `code`
     * @property {(name: string) => Promise<ArrayBuffer | undefined>} get
     * @property {(name: string, value: ArrayBuffer, strict: boolean) => Promise<void>} put
     * @property {(prefix: string) => Promise<string[]>} list the names that begin so, up to their next slash
     * @property {(prefix: string) => Promise<void>} remove
     * @property {() => Promise<void>} reset forgets everything, also what cannot be read
     * @property {string} [note] what the user should know of it
     * @property {{request: Function}} [locks] instead of navigator.locks
     * @property {(name: string, change: (value: any) => {value: any, answer: any}) => Promise<any>} [update]
     *   reads, changes and writes in one transaction; without locks
     */
    $tritIndexedStore__deps: ['$tritStoreError'],
    $tritIndexedStore: () => {
        const DATABASE = 'trit-models';
        const VERSION = 1;
        const STORE = 'values';
        const LIMIT_MS = 30_000;
        const BLOCKED_MS = 2_000; // other tabs close their connection as soon as they are asked
        /** @type {Promise<IDBDatabase> | null} */
        let opened = null;

        const explain = (error, codes) => {
            const [code, message] = codes[error?.name] ?? [];
            return code ? tritStoreError(code, message, error) : error;
        };
        const closed = [
            'DB_CLOSED',
            'the browser has closed its storage: try again, or reload the page',
        ];
        const ofOpening = {
            AbortError: closed,
            ReferenceError: ['NO_STORAGE', 'this browser has no IndexedDB'],
            SecurityError: ['NO_STORAGE', 'the browser lets this page store nothing'],
            InvalidStateError: ['NO_STORAGE', 'the browser lets this window store nothing'],
            UnknownError: [
                'DB_BROKEN',
                'the browser cannot open its storage: Trit.resetStorage() begins a new one, for ' +
                    'which the stored models have to be downloaded again',
            ],
        };
        const ofUse = { NotFoundError: ofOpening.UnknownError };

        const timeout = () => tritStoreError('STORAGE_TIMEOUT', 'the storage does not answer');
        const blocked = () =>
            tritStoreError(
                'DB_BLOCKED',
                'another tab holds an older version of the storage: close it, and try again',
            );

        /** The request's result; `prepare` sets what else it tells. */
        const ask = (request, prepare) =>
            new Promise((resolve, reject) => {
                let late = false;
                const fail = (error) => {
                    late = true;
                    reject(error);
                };
                const timer = setTimeout(() => fail(timeout()), LIMIT_MS);
                let blockedTimer;
                prepare?.(request);
                request.onblocked = () =>
                    (blockedTimer = setTimeout(() => fail(blocked()), BLOCKED_MS));
                const ended = () => [timer, blockedTimer].forEach(clearTimeout);
                request.onerror = () => {
                    ended();
                    reject(explain(request.error, ofOpening));
                };
                request.onsuccess = () => {
                    ended();
                    if (late) request.result?.close();
                    else resolve(request.result);
                };
            });

        const open = async () => {
            let request;
            try {
                request = indexedDB.open(DATABASE, VERSION);
            } catch (error) {
                throw explain(error, ofOpening);
            }
            const db = await ask(request, () => {
                request.onupgradeneeded = ({ dataLoss }) => {
                    if (dataLoss === 'total')
                        body.note = 'the browser has lost its storage, and with it the models';
                    request.result.createObjectStore(STORE);
                };
            });
            const forget = () => (opened = null);
            db.onclose = forget;
            db.onversionchange = () => {
                forget();
                db.close();
            };
            return db;
        };

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
                        opened = null; // the next one may find a connection that lives
                        reject(timeout());
                        transaction.abort();
                    }, LIMIT_MS);
                    transaction.oncomplete = () => resolve(request.result);
                    transaction.onabort = () => reject(transaction.error ?? request.error);
                });
            } finally {
                clearTimeout(timer);
            }
        };

        const isGone = (error) =>
            ['InvalidStateError', 'AbortError'].includes(error?.name) ||
            /connection.*(lost|clos)/i.test(error?.message ?? '');

        // A connection may have died since it was used last: with another one the work is done again, once.
        const again = async (mode, durability, work) => {
            for (let tries = 1; ; tries++)
                try {
                    return await transact(mode, durability, work);
                } catch (error) {
                    if (!isGone(error)) throw explain(error, ofUse);
                    opened = null;
                    if (tries === 2) throw tritStoreError(...closed, error);
                }
        };

        const range = (prefix) => IDBKeyRange.bound(prefix, prefix + '\uffff');
        const body = {
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
            list: async (prefix) => {
                const names = await again('readonly', 'default', (store) =>
                    store.getAllKeys(range(prefix)),
                );
                const rest = names.map((name) => name.slice(prefix.length).split('/')[0]);
                return [...new Set(rest)].map((name) => prefix + name);
            },
            remove: (prefix) =>
                again('readwrite', 'strict', (store) => store.delete(range(prefix))),
            reset: async () => {
                const db = await opened?.catch(() => {});
                opened = null;
                db?.close();
                await ask(indexedDB.deleteDatabase(DATABASE));
            },
            update: (name, change) =>
                again('readwrite', 'relaxed', (store) => {
                    const outcome = { result: undefined };
                    const request = store.get(name);
                    request.onsuccess = () => {
                        const { value, answer } = change(request.result);
                        outcome.result = answer;
                        if (value === undefined) store.delete(name);
                        else store.put(value, name);
                    };
                    return outcome;
                }),
        };
        return body;
    },
});
