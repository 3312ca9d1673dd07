// Scripts of pages that hold the tag, which run before all others.

/** Keeps what the tests ask for. */
export const WATCH = `
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) =>
        window.violations.push(event.violatedDirective + ' ' + event.blockedURI));
    window.workers = { started: 0, ended: 0 };
    {
        const NativeWorker = window.Worker;
        window.Worker = class extends NativeWorker {
            constructor(...args) {
                super(...args);
                window.workers.started++;
            }
            terminate() {
                window.workers.ended++;
                super.terminate();
            }
        };
    }
    window.until = async (isSo) => {
        while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    // at once, as an answer of a small model has soon ended
    window.untilLonger = (node, length) => new Promise((resolve) => {
        const look = () => {
            if (node.textContent.length <= length) return;
            seen.disconnect();
            resolve();
        };
        const seen = new MutationObserver(look);
        seen.observe(node, { childList: true, subtree: true, characterData: true });
        look();
    });
    window.inside = (selector, tag = document.querySelector('#one')) => {
        for (const each of tag.shadowRoot.querySelectorAll(selector))
            if (!each.closest('[hidden]')) return each;
        return null;
    };
    window.makeTag = (attributes) => {
        const tag = document.createElement('trit-chat');
        for (const name of Object.keys(attributes)) tag.setAttribute(name, attributes[name]);
        return tag;
    };
    window.addTag = (attributes) => document.body.appendChild(window.makeTag(attributes));
`;

/**
 * A page that writes down what is handed to every way out of it, and that has wrapped and extended what all scripts share, as
 * old libraries and trackers do. Other pages send it messages that look like the engine's.
 */
export const HOSTILE = `{
    const { apply } = Reflect;
    const { push } = Array.prototype;
    const write = (args) => {
        let all = '';
        for (let i = 0; i < args.length; i++)
            try {
                all += typeof args[i] === 'object' ? stringify(args[i], plainly) : String(args[i]);
            } catch {}
        return all;
    };
    const { stringify } = JSON;
    const { isView } = ArrayBuffer;
    const plainly = (_, value) =>
        isView(value) ? 'bytes' : typeof value === 'bigint' ? String(value) : value;
    window.seen = [];
    window.listOf = (set) => {
        const list = [];
        for (const item of set) apply(push, list, [item]);
        return list;
    };
    const spy = (name, owner, key) => {
        const was = owner[key];
        owner[key] = function (...args) {
            apply(push, window.seen, [[name, write(args)]]);
            return apply(was, this, args);
        };
    };
    spy('fetch', window, 'fetch');
    spy('XMLHttpRequest', XMLHttpRequest.prototype, 'send');
    spy('sendBeacon', Navigator.prototype, 'sendBeacon');
    spy('setItem', Storage.prototype, 'setItem');
    spy('window.postMessage', window, 'postMessage');
    spy('Worker.postMessage', Worker.prototype, 'postMessage');
    spy('BroadcastChannel', BroadcastChannel.prototype, 'postMessage');
    spy('MessagePort', MessagePort.prototype, 'postMessage');
    spy('IDBObjectStore', IDBObjectStore.prototype, 'put');
    spy('pushState', History.prototype, 'pushState');
    for (const level of ['debug', 'info', 'log', 'warn', 'error']) spy('console', console, level);

    for (const name of ['push', 'map', 'forEach', 'filter', 'find', 'includes', 'join', 'splice']) {
        const was = Array.prototype[name];
        Array.prototype[name] = function (...args) {
            return apply(was, this, args);
        };
    }
    for (const name of ['parse', 'stringify']) {
        const was = JSON[name];
        JSON[name] = (...args) => apply(was, JSON, args);
    }
    Array.prototype.last = function () {
        return this[this.length - 1];
    };
    Promise.prototype.done = function () {};
    const { then } = Promise.prototype;
    Promise.prototype.then = function (...args) {
        return apply(then, this, args);
    };
    setInterval(() => {
        for (let id = 1; id < 9; id++) {
            window.postMessage({ id, ok: {} }, '*');
            window.postMessage({ id, event: 'x' }, '*');
        }
    }, 50);
}`;

/** The same: every object has one thing more. */
export const EXTENDED = 'Object.prototype.extend = function () {};';

/** By name: what is put in the place of a function of the page's, of which the tag works or says why not. */
export const BREAKS = {
    'fetch fails': ['window', 'fetch', `() => Promise.reject(new Error('no'))`],
    'JSON.parse throws': ['JSON', 'parse', `() => { throw new Error('broken'); }`],
    'JSON.stringify gives nothing': ['JSON', 'stringify', '() => undefined'],
    'map throws': ['Array.prototype', 'map', `() => { throw new Error('broken'); }`],
    'push throws': ['Array.prototype', 'push', `() => { throw new Error('broken'); }`],
    'Worker is gone': ['window', 'Worker', 'undefined'],
    'Worker throws': ['window', 'Worker', `class { constructor() { throw new Error('broken'); } }`],
    'crypto is gone': ['window', 'crypto', 'undefined'],
    'locks are gone': ['navigator', 'locks', 'undefined'],
    'workerUrl comes from everywhere': ['Object.prototype', 'workerUrl', `'javascript:0'`],
    'signal comes from everywhere': ['Object.prototype', 'signal', '7'],
};

/** A script with the functions `harm` and `mend` for each, as a driver may need what is broken. */
export const breaking = (breaks) => `
    window.breaks = {};
    const breakable = (name, owner, key, value) => {
        const was = Object.getOwnPropertyDescriptor(owner, key);
        window.breaks[name] = {
            harm: () => Object.defineProperty(owner, key, { value, configurable: true, enumerable: true }),
            mend: () => {
                delete owner[key];
                if (was) Object.defineProperty(owner, key, was);
            },
        };
    };
    ${Object.entries(breaks)
        .map(([name, [owner, key, value]]) => `breakable('${name}', ${owner}, '${key}', ${value});`)
        .join('\n')}
`;
