// The page's own files: kept for use without a network by service-worker.js, which also gives them the headers that
// not every host sends.

/** Milliseconds for an answer of a worker that is there. */
const ANSWER_MS = 30_000;
/** Milliseconds for the last words of one that is gone. */
const REASON_MS = 1000;

const RELOADED = 'trit-shell-reloaded';

/** Files that are not what this version of the page is made of. */
export class ShellRefused extends Error {
    name = 'ShellRefused';
}

/**
 * Tells `change` when one of its states is another one.
 */
class Shell extends EventTarget {
    /** Why something is missing, for the person to read; empty when nothing is. */
    note = '';
    /** A new version of the page is here, and is used at the next start. */
    hasUpdate = false;
    /** The browser offers to install the page as an app. */
    canInstall = false;
    /** @type {ServiceWorkerRegistration | undefined} */
    #registration;
    /** @type {any} */
    #installing;

    /**
     * Resolves when an engine may start: the page's files are kept and checked, or cannot be kept here (`note` says why).
     * Loads the page again when it must, once, and rejects with ShellRefused when a file is not what it should be.
     * @type {Promise<void>}
     */
    ready = this.#begin();

    constructor() {
        super();
        addEventListener('beforeinstallprompt', (event) => {
            this.#installing = event;
            this.#set({ canInstall: true });
        });
        addEventListener('appinstalled', () => this.#set({ canInstall: false }));
    }

    /** Whether the page works without a network, now and at its next start. What is missing is asked for. */
    async isKept() {
        const active = this.#registration?.active;
        return active ? ask(active, 'keep').catch(() => false) : false;
    }

    /** Starts the page again in its new version; false when another tab still has the old one. */
    async useUpdate() {
        const waiting = this.#registration?.waiting;
        if (!waiting || !(await ask(waiting, 'use'))) return false;
        await reaches(waiting, 'activated');
        location.reload();
        return true;
    }

    /** Lets the browser ask whether it may install the page; call it when the person has clicked. */
    async install() {
        const event = this.#installing;
        this.#set({ canInstall: false });
        await event?.prompt();
    }

    /** @param {Partial<Shell>} states */
    #set(states) {
        Object.assign(this, states);
        this.dispatchEvent(new Event('change'));
    }

    async #begin() {
        try {
            await this.#start();
        } catch (error) {
            if (error instanceof ShellRefused) throw error;
            const threads = crossOriginIsolated ? '' : ', and computes with one thread';
            this.#set({
                note: `This page needs its server at each start${threads}: ${error.message}.`,
            });
        }
    }

    async #start() {
        if (window !== window.top) throw new Error('it stands in another page');
        const { serviceWorker } = navigator;
        if (!serviceWorker)
            throw new Error(
                'this browser has no service workers here, which need https or localhost',
            );
        const options = { updateViaCache: /** @type {const} */ ('none') };
        const registration = await serviceWorker.register('service-worker.js', options);
        this.#registration = registration;
        const active = registration.active ?? (await firstWorker(registration));
        this.#watchUpdates(registration);
        if (!serviceWorker.controller) await ask(active, 'control');
        if (crossOriginIsolated) return forget();
        if (reloadOnce()) return unload();
        throw new Error(
            'its host sends no headers for threads, and the browser takes them from nobody else',
        );
    }

    /** @param {ServiceWorkerRegistration} registration */
    #watchUpdates(registration) {
        const look = () => this.#set({ hasUpdate: registration.waiting !== null });
        const watch = () => registration.installing?.addEventListener('statechange', look);
        registration.addEventListener('updatefound', watch);
        watch();
        look();
    }
}

/**
 * @param {ServiceWorker} worker
 * @param {'control' | 'keep' | 'use'} call
 * @returns {Promise<boolean>}
 */
function ask(worker, call) {
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve, reject) => {
        const late = new Error('its service worker does not answer');
        setTimeout(() => reject(late), ANSWER_MS);
        port1.onmessage = ({ data }) => resolve(data);
        worker.postMessage(call, [port2]);
    });
}

/**
 * @param {ServiceWorker} worker
 * @param {ServiceWorkerState} state
 * @returns {Promise<boolean>} false when it never will
 */
function reaches(worker, state) {
    return new Promise((resolve) => {
        const look = () => {
            if (worker.state === state) resolve(true);
            if (worker.state === 'redundant') resolve(false);
        };
        worker.addEventListener('statechange', look);
        look();
    });
}

/**
 * Of a page that has had none; when it cannot keep the page's files, the error is its own.
 * @param {ServiceWorkerRegistration} registration
 */
async function firstWorker({ installing, waiting }) {
    const worker = /** @type {ServiceWorker} */ (installing ?? waiting);
    const { serviceWorker } = navigator;
    /** @type {Promise<Error>} */
    const reason = new Promise((resolve) => {
        serviceWorker.addEventListener('message', ({ data }) => {
            if (data.notKept)
                resolve(data.isRefused ? new ShellRefused(data.notKept) : new Error(data.notKept));
        });
        serviceWorker.startMessages();
    });
    if (await reaches(worker, 'activated')) return worker;
    const unknown = new Promise((resolve) =>
        setTimeout(() => resolve(new Error('its files could not be kept')), REASON_MS),
    );
    throw await Promise.race([reason, unknown]);
}

/** Loads the page again unless that has just been done: whether it was of use is seen by then. */
function reloadOnce() {
    try {
        if (sessionStorage.getItem(RELOADED)) return false;
        sessionStorage.setItem(RELOADED, 'once');
    } catch {
        return false; // what cannot be remembered could go on for ever
    }
    location.reload();
    return true;
}

function forget() {
    try {
        sessionStorage.removeItem(RELOADED);
    } catch {
        // nothing is kept here
    }
}

/** Nothing more is to happen in a page that goes. @returns {Promise<void>} */
const unload = () => new Promise(() => {});

export const shell = new Shell();
