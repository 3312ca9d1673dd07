// "Delete everything". Other pages of the same host may keep things, too: all that this one keeps has a name that
// begins with this word.
const OURS = 'trit-';

/** Milliseconds for other tabs to let go of a database. */
const CLOSING_MS = 5000;

/**
 * Deletes conversations, settings, models and the page's own files. Models must have been closed before, and nothing is
 * to be kept until the page is loaded again.
 * @returns {Promise<string[]>} names of what is still there, as other tabs have it open
 */
export async function deleteEverything() {
    const databases = (await indexedDB.databases()).map(({ name }) => String(name)).filter(isOurs);
    const gone = await Promise.all(databases.map(deleteDatabase));
    for (const storage of [localStorage, sessionStorage])
        for (const key of Object.keys(storage)) if (isOurs(key)) storage.removeItem(key);
    const registration = await navigator.serviceWorker?.getRegistration();
    await registration?.unregister();
    if (globalThis.caches)
        for (const name of await caches.keys()) if (isOurs(name)) await caches.delete(name);
    return databases.filter((_, i) => !gone[i]);
}

/** @param {string} name */
const isOurs = (name) => name.startsWith(OURS);

/**
 * @param {string} name
 * @returns {Promise<boolean>}
 */
function deleteDatabase(name) {
    return new Promise((resolve) => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = () => resolve(true);
        request.onerror = () => resolve(false);
        setTimeout(() => resolve(false), CLOSING_MS);
    });
}
