// What tabs that share an engine do when one of them ends, with tabs of this process, locks that are counted and an engine
// that only notes what it is asked; in browsers it is sharing-browser.test.mjs.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { TritError } from '../../web/errors.js';
import { Sharing } from '../../web/sharing.js';

/** As navigator.locks, of one kind of lock. */
function makeLocks() {
    const queues = new Map();
    return {
        async request(name, how, use = how) {
            const signal = how.signal;
            const before = queues.get(name) ?? Promise.resolve();
            let end;
            const ended = new Promise((resolve) => (end = resolve));
            queues.set(
                name,
                before.then(() => ended),
            );
            try {
                await Promise.race([
                    before,
                    new Promise((_, reject) => {
                        const stop = () => reject(signal.reason);
                        if (signal?.aborted) stop();
                        signal?.addEventListener('abort', stop);
                    }),
                ]);
                return await use({ name });
            } finally {
                end();
            }
        },
    };
}

let names = 0;
/** A name for tabs of one test, whose locks are new. */
function site(t, locks = makeLocks()) {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
    Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
    t.after(() =>
        own ? Object.defineProperty(globalThis, 'navigator', own) : delete globalThis.navigator,
    );
    return `trit-shared test ${++names}`;
}

/** An engine whose calls end at once, those of `generate` when they are stopped. */
function makeEngine() {
    const asked = [];
    const call = async (op, args, { signal } = {}) => {
        asked.push([op, ...args]);
        if (op !== 'generate') return op;
        if (!signal.aborted)
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
        asked.push(['stopped']);
        return { finish: 'abort' };
    };
    return { asked, call, close: () => {}, info: {}, restarts: 0, lastCrash: null };
}

/** Until it is so; there are messages and locks on the way. */
async function until(isSo) {
    for (let i = 0; i < 4000 && !isSo(); i++) await later(5);
    assert.ok(isSo());
}

test('what is stopped while no tab has the engine is stopped in the next one that has', async (t) => {
    const name = site(t);
    const first = await Sharing.open(name, async () => makeEngine());
    const engine = makeEngine();
    let start;
    const second = await Sharing.open(name, () => new Promise((resolve) => (start = resolve)));
    t.after(() => second.close());
    const stop = new AbortController();
    const answer = second.call('generate', [{}, {}, 7], { signal: stop.signal });
    first.close();
    await until(() => start);
    stop.abort();
    start(engine);
    assert.deepEqual(await answer, { finish: 'abort' });
    assert.deepEqual(engine.asked, [['generate', {}, {}, 7], ['stopped']]);
});

test('a model that is closed while its tab takes over does not keep the next tab waiting', async (t) => {
    const name = site(t);
    const first = await Sharing.open(name, async () => makeEngine());
    let closing;
    const second = await Sharing.open(name, (_, signal) => {
        closing = signal;
        return new Promise((_, reject) => signal.addEventListener('abort', reject));
    });
    const third = await Sharing.open(name, async () => makeEngine());
    t.after(() => third.close());
    first.close();
    await until(() => closing);
    second.close();
    await until(() => third.role === 'has the engine');
});

test('the conversations of a tab that is closed are dropped', async (t) => {
    const name = site(t);
    const engine = makeEngine();
    const first = await Sharing.open(name, async () => engine);
    t.after(() => first.close());
    const second = await Sharing.open(name, async () => makeEngine());
    for (const context of [0, 7, 8]) await second.call('saveSession', [{}, context]);
    engine.asked.length = 0;
    second.close();
    await until(() => engine.asked.length === 2);
    assert.deepEqual(engine.asked, [
        ['dropContext', 7],
        ['dropContext', 8],
    ]);
});

test('a page that may not use locks is told what to do', async (t) => {
    const denied = async () => {
        throw new Error('access is denied');
    };
    const name = site(t, { request: denied });
    await assert.rejects(
        Sharing.open(name, async () => makeEngine()),
        (error) => error instanceof TritError && /without share/.test(error.message),
    );
});
