/**
 * Where the page keeps values by key, for the functions of idb-keyval. As its own `createStore`, but a database that is to be
 * deleted, here or in another tab, is let go of.
 * @param {string} name
 * @returns {import('./vendor/idb-keyval.js').UseStore}
 */
export function openStore(name) {
    /** @type {Promise<IDBDatabase> | undefined} */
    let opened;
    const open = () =>
        new Promise((resolve, reject) => {
            const request = indexedDB.open(name);
            request.onupgradeneeded = () => request.result.createObjectStore('values');
            request.onerror = () => reject(request.error);
            request.onsuccess = () => {
                const database = request.result;
                database.onclose = () => (opened = undefined);
                database.onversionchange = () => {
                    database.close();
                    opened = undefined;
                };
                resolve(database);
            };
        });
    return async (mode, use) => {
        opened ??= open();
        opened.catch(() => (opened = undefined));
        return use((await opened).transaction('values', mode).objectStore('values'));
    };
}
