// What storage and other tabs do wrong: rows S01 ... S28 of the table of faults, by number. Where it says nothing else the
// browser is played (tabs.mjs), so that every call can fail; what real ones do is in faults-storage-browser.test.mjs, what is
// left after a killed one (S05) in kill.test.mjs, and every call of the store by itself in tests/unit/test_stored.c.
//
// Not here, as it takes what a test cannot have: S03 with a disk that is really full (its error is played, in Node's files);
// S14 and S16 of the database's own layout, which has had one version so far (a later one is played; the manifests' versions
// have theirs in stored.test.mjs); of S21 a private window of each browser (their refusals are played).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
    chmod,
    mkdir,
    open as openFile,
    readdir,
    readFile,
    rm,
    symlink,
    truncate,
    writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, beforeEach } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { openNodeStore } from '../../web/node-store.js';
import { Trit, TritError } from '../../web/node.js';
import { temporaryFolder } from './helpers.mjs';
import { partHeaders, serveModel } from './model-server.mjs';
import * as tabs from './tabs.mjs';
import { COUNT, RECORD, answer, inStore, nth, openTab, packed } from './tabs.mjs';

const coded = (code) => (error) => error instanceof TritError && error.code === code;
const rejections = [];
const note = (reason) => rejections.push(reason);
process.on('unhandledRejection', note);
after(() => {
    process.off('unhandledRejection', note);
    assert.deepEqual(rejections, []);
});

let expected;
before(async () => {
    tabs.forgetAll();
    expected = await answer(await openTab().load({ store: false }));
});
beforeEach(() => tabs.forgetAll());

/** The model loads, after so many requests of these beginnings, and the next time without any. */
async function loads(tab, begins) {
    assert.deepEqual(await answer(await tab.load()), expected);
    assert.deepEqual(
        tab.requests.map(([begin]) => begin),
        begins,
    );
    const next = openTab();
    assert.deepEqual(await answer(await next.load()), expected);
    assert.deepEqual(next.requests, []);
}

/** How often a first load stores something: the manifest before and after all records, and when it was used. */
const PUTS = COUNT + 3;

test('S01 the room ends at each value: nothing counts that is not there, and what is missing is told', async () => {
    for (let k = 0; k < PUTS - 1; k++) {
        tabs.forgetAll();
        await assert.rejects(openTab({ fault: nth(k, 'put', 'full') }).load(), (error) => {
            assert.ok(coded('QUOTA')(error), `${k}: ${error}`);
            assert.match(error.message, /Trit\.makeRoom/);
            return true;
        });
        const stored = (await tabs.records()).length;
        const tab = openTab();
        assert.notEqual((await tab.models())[0]?.state, 'complete');
        // before the records comes the manifest, which is tried again with the chunk that is on its way
        assert.equal(stored, k === 0 ? 1 : k - 1);
        await loads(tab, stored === COUNT ? [] : [stored * RECORD]);
    }
});

test('S01 of a model whose length is known the missing bytes are told', async () => {
    await assert.rejects(openTab({ fault: nth(3, 'put', 'full') }).load(), (error) => {
        const missing = packed.length - 2 * RECORD;
        return error.needed === missing && error.message.includes(`${missing} bytes are missing`);
    });
});

test('S01 the reason is kept while the manifest, behind the record, finds room', async () => {
    const fault = (call, key) => (call === 'put' && /00000$/.test(key) ? 'full' : undefined);
    const tab = openTab({ chunkBytes: RECORD, fault });
    await assert.rejects(tab.load(), coded('QUOTA'));
    await loads(openTab(), [0]);
});

test('S01 a model whose use cannot be noted is a model all the same', async () => {
    await loads(openTab({ fault: nth(PUTS - 1, 'put', 'full') }), [0]);
});

test('S04 after room was made the download goes on', async () => {
    await answer(await openTab().load({ source: 'http://models.example/other' }));
    const [other] = await openTab().models();
    const tab = openTab();
    let isFull = true;
    tab.fault = (call, key) =>
        isFull && call === 'put' && /00002$/.test(key) ? 'full' : undefined;
    const error = await tab.load().catch((thrown) => thrown);
    assert.deepEqual(await tab.makeRoom(error.needed), [other]);
    isFull = false;
    await loads(tab, [0, 2 * RECORD]);
});

test('S07 a crash after the last record costs no download', async () => {
    const tab = openTab({ fault: nth(PUTS - 2, 'put', 'killed') });
    await assert.rejects(tab.load());
    assert.equal((await tabs.records()).length, COUNT);
    await tabs.passLeases();
    assert.equal((await openTab().models())[0].state, 'partial');
    await loads(openTab(), []);
});

test('S08 a crash at each step of a deletion: the next start ends it', async () => {
    await answer(await openTab().load());
    const [{ id }] = await openTab().models();
    for (const step of [1, 2, 0]) {
        const tab = openTab({ fault: nth(step, 'delete', 'killed') });
        await assert.rejects(tab.remove(id));
        await tabs.passLeases();
        const isWhole = step === 0;
        assert.equal((await tabs.records()).length, isWhole || step === 1 ? COUNT : 0);
        assert.equal((await openTab().models()).length, isWhole ? 1 : 0);
        assert.equal((await tabs.names()).length, isWhole ? COUNT + 2 : 0, 'nothing is left');
        if (!isWhole) await answer(await openTab().load());
    }
});

test('S08 names that are not ours hide nothing, and nothing of ours goes with them', async () => {
    await answer(await openTab().load());
    const others = [
        'model/\0',
        `record/\0${'x'.repeat(63)}`,
        'record/!\n/x',
        `used/${'\0'.repeat(64)}`,
    ];
    for (const name of others) await inStore((store) => store.put('x', name));
    const left = `record/${'f'.repeat(64)}/00000000`;
    await inStore((store) => store.put('x', left));
    assert.equal((await openTab().models()).length, 1);
    await loads(openTab(), []);
    const names = await tabs.names();
    assert.deepEqual([names.length, names.includes(left)], [COUNT + 2 + others.length, false]);
});

test('S08 what a tab is just beginning to store is nothing that is left', async () => {
    let go;
    const first = openTab();
    first.onChunk = (at) => at === 2 * RECORD && new Promise((resolve) => (go = resolve));
    const loading = first.load();
    while (!go) await new Promise(setImmediate);
    await tabs.inStore((store) => store.delete(IDBKeyRange.bound('model/', 'model/~')));
    const before = await tabs.records();
    assert.ok(before.length > 0);
    await openTab().models();
    const later = await tabs.records();
    assert.ok(before.every((name) => later.includes(name)));
    go();
    assert.deepEqual(await answer(await loading), expected);
});

test('S12 S24 what the browser has deleted is downloaded again, and a model in memory goes on', async () => {
    const tab = openTab();
    const model = await tab.load();
    tabs.forgetAll();
    assert.deepEqual(await answer(model), expected);
    assert.deepEqual(await openTab().models(), []);
    await loads(openTab(), [0]);
});

test('S12 the browser closes the connection: it is opened again', async () => {
    let last;
    const tab = openTab({ onTransaction: (db) => (last = db) });
    tab.onChunk = (at) => {
        if (at !== 2 * RECORD) return;
        last.close();
        last.onclose();
    };
    await loads(tab, [0]);
});

test('S13 another tab deletes the database while a model is being stored', async () => {
    const tab = openTab();
    tab.onChunk = async (at) => {
        if (at !== 3 * RECORD) return;
        await new Promise((resolve) => {
            const request = tabs.database.deleteDatabase('trit-models');
            request.onsuccess = resolve;
        });
    };
    assert.deepEqual(await answer(await tab.load()), expected);
    const next = openTab();
    assert.deepEqual(await answer(await next.load()), expected);
    assert.deepEqual(next.requests[0][0], 0, 'what was deleted is asked for');
    await loads(openTab(), []);
});

test('S14 an older tab that does not let go is named; when it is closed the update goes on', async () => {
    const old = await tabs.connect(1);
    const tab = openTab({ newer: 1 });
    await assert.rejects(tab.load(), coded('DB_BLOCKED'));
    old.close();
    assert.deepEqual(await answer(await tab.load()), expected);
});

test('S14 an older tab that lets go late is waited for', async () => {
    const old = await tabs.connect(1);
    setTimeout(() => old.close(), 300);
    assert.deepEqual(await answer(await openTab({ newer: 1 }).load()), expected);
});

test('S15 a storage of a newer version is left as it is', async () => {
    const db = await tabs.connect(7, (made) => made.createObjectStore('values').put('x', 'y'));
    db.close();
    for (const ask of [(tab) => tab.load(), (tab) => tab.models()])
        await assert.rejects(ask(openTab()), coded('DB_NEWER'));
    assert.deepEqual(await tabs.names(), ['y']);
    assert.deepEqual(await answer(await openTab().load({ store: false })), expected);
});

test('S16 a crash while the storage is being laid out leaves none', async () => {
    const onRequest = (request) =>
        request.addEventListener('upgradeneeded', () =>
            queueMicrotask(() => request.transaction.abort()),
        );
    await assert.rejects(openTab({ onRequest }).load(), coded('DB_CLOSED'));
    await loads(openTab(), [0]);
});

test('S18 a record that the browser cannot read is asked for again', async () => {
    for (const name of ['NotReadableError', 'DataError', 'UnknownError']) {
        tabs.forgetAll();
        await answer(await openTab().load());
        const tab = openTab();
        let broken = tabs.domError(name, 'Failed to read large IndexedDB value');
        tab.fault = (call, key) => {
            if (call !== 'get' || !/record.*00003$/.test(key) || !broken) return undefined;
            const error = broken;
            broken = undefined;
            return error;
        };
        await loads(tab, [3 * RECORD]);
    }
});

test('S18 a storage that does not answer is given up after half a minute', async (t) => {
    await answer(await openTab().load());
    let asked;
    const waiting = new Promise((resolve) => (asked = resolve));
    const tab = openTab();
    tab.fault = (call, key) => {
        if (call !== 'get' || !/record.*00001$/.test(key)) return undefined;
        asked();
        return 'silent';
    };
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const loading = tab.load();
    const told = assert.rejects(loading, coded('STORAGE_TIMEOUT'));
    await waiting;
    await new Promise(setImmediate);
    t.mock.timers.tick(29_000);
    t.mock.timers.tick(2_000);
    await told;
    t.mock.timers.reset();
    await loads(openTab(), []);
});

test('S18 a storage that never opens is given up, too', async (t) => {
    const mute = { addEventListener: () => {} };
    let asked;
    const waiting = new Promise((resolve) => (asked = resolve));
    const opens = indexedDB.open;
    indexedDB.open = () => (asked(), mute);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const told = assert.rejects(openTab().models(), coded('STORAGE_TIMEOUT'));
    await waiting;
    t.mock.timers.tick(31_000);
    await told;
    indexedDB.open = opens;
});

test('S19 a storage that cannot be opened: the model loads without, and a new one can be begun', async () => {
    let isBroken = true;
    const message = 'Internal error opening backing store for indexedDB.open.';
    const opens = indexedDB.open.bind(indexedDB);
    indexedDB.open = (...args) => (isBroken ? refused('UnknownError', message) : opens(...args));
    const deletes = indexedDB.deleteDatabase.bind(indexedDB);
    indexedDB.deleteDatabase = (...args) => {
        isBroken = false;
        return deletes(...args);
    };
    const model = await openTab().load();
    assert.equal(model.info.stored, false);
    assert.match(model.info.note, /^not stored: .*Trit\.resetStorage.*downloaded again/);
    assert.deepEqual(await answer(model), expected);
    await assert.rejects(openTab().models(), coded('DB_BROKEN'));
    await openTab().reset();
    await loads(openTab(), [0]);
});

test('S19 that the browser has lost everything is told', async () => {
    const onRequest = (request) =>
        request.addEventListener('upgradeneeded', (event) =>
            Object.defineProperty(event, 'dataLoss', { value: 'total' }),
        );
    const model = await openTab({ onRequest }).load();
    assert.deepEqual([model.info.stored, /lost/.test(model.info.note)], [true, true]);
    assert.deepEqual(await answer(model), expected);
});

test('S19 everything can be begun anew, beside what another tab is storing, too', async () => {
    await answer(await openTab().load());
    await openTab().reset();
    assert.deepEqual(await openTab().models(), []);
    await loads(openTab(), [0]);
});

/** A request that is refused with this error. */
function refused(name, message = 'played') {
    const request = { addEventListener: () => {}, error: tabs.domError(name, message) };
    setImmediate(() => request.onerror());
    return request;
}

test('S21 where nothing can be stored the model loads all the same, held against its hash, and says so', async () => {
    const sha256 = createHash('sha256').update(packed).digest('hex');
    const thrown = (name) => () => {
        throw tabs.domError(name);
    };
    const ways = {
        'no IndexedDB': () => delete globalThis.indexedDB,
        'a refusal that is thrown': () => (indexedDB.open = thrown('SecurityError')),
        'an old private window': () => (indexedDB.open = () => refused('InvalidStateError')),
    };
    for (const [way, begin] of Object.entries(ways)) {
        tabs.forgetAll();
        begin();
        for (const more of [{}, { sha256 }]) {
            const tab = openTab();
            const model = await tab.load(more);
            assert.equal(model.info.stored, false, way);
            assert.match(model.info.note, /^not stored: /, way);
            assert.deepEqual(await answer(model), expected, way);
            assert.deepEqual(tab.requests, [[0, undefined]]);
        }
        await assert.rejects(openTab().load({ sha256: '0'.repeat(64) }), coded('HASH'), way);
        await assert.rejects(openTab().models(), coded('NO_STORAGE'), way);
    }
});

test('S22 a connection that has died is opened again, once', async () => {
    const deaths = {
        'thrown at the transaction': () => {
            throw tabs.domError('InvalidStateError');
        },
        'told by WebKit': () => {
            throw tabs.domError('UnknownError', 'Connection to Indexed Database server lost.');
        },
    };
    await answer(await openTab().load());
    for (const [way, die] of Object.entries(deaths)) {
        let n = 0;
        const tab = openTab({ onTransaction: () => n++ % 2 === 0 && die() });
        assert.deepEqual(await answer(await tab.load()), expected, way);
        assert.deepEqual(tab.requests, [], way);
        n = 0;
        await assert.rejects(openTab({ onTransaction: die }).load(), coded('DB_CLOSED'), way);
    }
    const tab = openTab();
    let isOver = false;
    tab.fault = (call, key) => {
        if (call !== 'get' || isOver || !/record.*00001$/.test(key)) return undefined;
        isOver = true;
        return tabs.domError('AbortError', 'The connection was closed.');
    };
    assert.deepEqual(await answer(await tab.load()), expected);
    assert.deepEqual(tab.requests, []);
});

test('S23 nothing waits for the permission to keep what is stored', async () => {
    let asked = 0;
    const storage = { persist: () => (asked++, new Promise(() => {})) };
    Object.defineProperty(globalThis, 'navigator', { value: { storage }, configurable: true });
    await loads(openTab(), [0]);
    assert.equal(asked, 0);
    const { Trit: inPage } = await import('../../web/index.js');
    inPage.persist().then(() => assert.fail('the browser has not answered'));
    assert.equal(asked, 1);
    for (const [answer, expects] of [
        [undefined, false],
        [{ persist: async () => false }, false],
        [{ persist: async () => true }, true],
    ]) {
        const value = { storage: answer };
        Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
        assert.equal(await inPage.persist(), expects);
    }
});

test('S25 room is made in the order of use, also when the clock was wrong', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    const use = async (name, now) => {
        t.mock.timers.setTime(now);
        await answer(await openTab().load({ source: `http://models.example/${name}` }));
    };
    await use('a', 9_000_000);
    await use('b', 3_000_000);
    await use('c', 2_000_000);
    await use('d', 4_000_000); // and now the clock is at 4 million
    const { models } = await openTab().storage();
    const name = ({ about }) => about.source[0].at(-1);
    assert.deepEqual(models.map((model) => [name(model), model.used]).sort(), [
        ['a', 9_000_000],
        ['b', 3_000_000],
        ['c', 2_000_000],
        ['d', 4_000_000],
    ]);
    assert.deepEqual(await openTab().makeRoom(0), []);
    const one = await openTab().makeRoom(1);
    const two = await openTab().makeRoom(packed.length + 1);
    assert.deepEqual([...one, ...two].map(name), ['a', 'c', 'b']);
    assert.deepEqual((await openTab().models()).map(name), ['d']);
    await assert.rejects(openTab().makeRoom(-1), coded('PARAM'));
});

test('S11 S25 no room is made of a model that somebody is loading, nor of one that is not complete', async () => {
    await assert.rejects(openTab({ fault: nth(2, 'put', 'full') }).load(), coded('QUOTA'));
    const source = 'http://models.example/other';
    await answer(await openTab().load({ source }));
    const tab = openTab();
    let id;
    tab.fault = (call, key) => {
        if (call !== 'get' || id || !/record.*00001$/.test(key)) return undefined;
        id = key.slice(7, 71);
        return 'silent';
    };
    const loading = tab.load({ source });
    while (!id) await new Promise(setImmediate);
    assert.deepEqual(await openTab().makeRoom(1), []);
    await assert.rejects(openTab().remove(id), coded('IN_USE'));
    tab.kill();
    await tabs.passLeases();
    assert.deepEqual(
        (await openTab().makeRoom(1)).map((model) => model.id),
        [id],
    );
    loading.catch(() => {});
});

test('S26 S09 without navigator.locks two tabs download one model once', async () => {
    const two = [openTab(), openTab()];
    const answers = await Promise.all(two.map(async (tab) => answer(await tab.load())));
    assert.deepEqual(answers, [expected, expected]);
    assert.deepEqual(
        two.flatMap((tab) => tab.requests),
        [[0, undefined]],
    );
    assert.deepEqual(
        (await tabs.names()).filter((name) => name.startsWith('lock/')),
        [],
    );
});

test('S26 S10 a lease whose tab has ended is taken over, one that beats is not', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.now() });
    const first = openTab();
    let go;
    first.onChunk = (at) => at === 2 * RECORD && new Promise((resolve) => (go = resolve));
    first.load().catch(() => {});
    while (!go) await new Promise(setImmediate);
    const second = openTab();
    const taken = second.load();
    taken.catch(() => {});
    const pass = async (seconds) => {
        for (let i = 0; i < 2 * seconds; i++) {
            t.mock.timers.tick(500);
            for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
        }
    };
    await pass(60);
    assert.deepEqual(second.requests, [], 'the first tab lives');
    first.kill();
    await pass(9);
    assert.deepEqual(second.requests, [], 'it might still live');
    await pass(8);
    t.mock.timers.reset();
    assert.deepEqual(await answer(await taken), expected);
    assert.ok(second.requests.length === 1 && second.requests[0][0] >= RECORD);
});

test('S26 a lease of a clock that was set back is none', async () => {
    await answer(await openTab().load());
    const [{ id }] = await openTab().models();
    const lease = { owner: 'x', alone: true, expires: Date.now() + 3_600_000 };
    await tabs.inStore((store) => store.put([lease], `lock/trit:model:${id}`));
    await openTab().remove(id);
    assert.deepEqual(await tabs.names(), []);
});

test('S26 a lease that is none is taken', async () => {
    for (const lease of ['x', [null, { owner: 7 }]]) {
        await answer(await openTab().load());
        const [{ id }] = await openTab().models();
        await tabs.inStore((store) => store.put(lease, `lock/trit:model:${id}`));
        await openTab().remove(id);
        assert.deepEqual(await tabs.names(), []);
    }
});

test('S28 what threads share is copied before it is hashed and stored', async () => {
    await assert.rejects(crypto.subtle.digest('SHA-256', new Uint8Array(new SharedArrayBuffer(8))));
    const tab = openTab();
    const model = await tab.load({ threads: 2 });
    assert.equal(model.info.threads, 2);
    assert.deepEqual(await answer(model), expected);
    await loads(openTab(), []);
});

// ---- Node's files ----

const RECORD_OF_FILES = 1 << 18;

/** A server of the model and an empty folder for what is stored. */
async function inFiles(t) {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const server = await serveModel(packed);
    t.after(() => server.close());
    const options = {
        ...{ threads: 1, flavour: 'simd128', store: { recordBytes: RECORD_OF_FILES } },
        network: { delayMs: 1, mostDelayMs: 1 },
    };
    const folder = async () => {
        const place = join(process.env.TRIT_CACHE, 'record');
        const [model] = await readdir(place);
        return join(place, model);
    };
    return {
        server,
        folder,
        load: (more) => Trit.load(server.url, { ...options, ...more }),
        path: async (i) => join(await folder(), String(i).padStart(8, '0')),
    };
}

test('S03 S04 the disk is full at each value: what is stored stays, and the next try goes on', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const file = await openFile(join(process.env.TRIT_CACHE, 'any'), 'w');
    const { writeFile: write } = Object.getPrototypeOf(file);
    await file.close();
    let room = Infinity;
    t.after(() => (Object.getPrototypeOf(file).writeFile = write));
    Object.getPrototypeOf(file).writeFile = async function (bytes) {
        if (room-- > 0) return write.call(this, bytes);
        await write.call(this, bytes.subarray(0, bytes.length / 2));
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    };
    for (let k = 0; k < COUNT + 2; k++) {
        process.env.TRIT_CACHE = temporaryFolder(t);
        room = k;
        const store = () => ({ store: openNodeStore() });
        await assert.rejects(openTab(store()).load(), (error) => {
            assert.equal(error.code, 'QUOTA');
            assert.match(error.message, /\d+ bytes are missing|no room left to store the model/);
            return true;
        });
        const left = await readdir(process.env.TRIT_CACHE, { recursive: true });
        assert.deepEqual(
            left.filter((name) => name.endsWith('.part')),
            [],
            'no half-written file is left',
        );
        room = Infinity;
        const stored = left.filter((name) => /0000\d$/.test(name)).length;
        const tab = openTab(store());
        assert.notEqual((await tab.models())[0]?.state, 'complete');
        assert.deepEqual(await answer(await tab.load()), expected, `${k}`);
        assert.deepEqual(
            tab.requests.map(([begin]) => begin),
            stored === COUNT ? [] : [stored * RECORD],
            `${k}`,
        );
    }
});

test('S20 a manifest whose hash is right and whose text is not ours does not end the engine', async (t) => {
    const { server, load } = await inFiles(t);
    server.headers.etag = '"1"';
    (await load()).close();
    const folder = join(process.env.TRIT_CACHE, 'model');
    const path = join(folder, (await readdir(folder))[0]);
    const manifest = await readFile(path);
    const nAbout = manifest.readUInt32LE(100);
    const source = [server.url];
    const texts = ['', 'x', 'null', '5', '[]', '{"source":[5],"as":{}}', '{"a":"\0"}'];
    const odd = [
        { source, as: { sha256: 7 } },
        { source, as: {}, version: { etag: 7 } },
        { as: {} },
    ];
    odd.push({ source, as: {}, named: 'x' }, { source: '__proto__', as: {} });
    for (const text of [...texts, ...odd.map((each) => JSON.stringify(each))]) {
        const about = Buffer.from(text); // what JavaScript keeps with the model
        const other = Buffer.concat([manifest.subarray(0, manifest.length - nAbout), about]);
        other.writeUInt32LE(about.length, 100);
        createHash('sha256').update(other.subarray(32)).digest().copy(other);
        await writeFile(path, other);
        const [{ id, state, about: found }] = await Trit.models();
        assert.deepEqual([state, found], ['complete', null], text); // the others are listed as ever
        await assert.rejects(load(), coded('DB_BROKEN'), text);
        await assert.rejects(Trit.load(`stored:${id}`), coded('NOT_STORED'), text);
    }
    await Trit.deleteModel((await Trit.models())[0].id);
    (await load()).close();
});

test('a failure of the system has a code of ours', async (t) => {
    const { load } = await inFiles(t);
    const folder = join(process.env.TRIT_CACHE, 'model');
    await symlink(folder, folder); // which leads nowhere
    await assert.rejects(Trit.models(), coded('STORAGE'));
    const model = await load();
    assert.match(model.info.note, /^not stored: /);
    model.close();
});

test('S20 what stands in the place of a value and is no file of ours is mended', async (t) => {
    const { server, load, path } = await inFiles(t);
    await answer(await load());
    const models = join(process.env.TRIT_CACHE, 'model');
    const [id] = await readdir(models);
    const others = {
        'a folder': (place) => mkdir(join(place, 'more'), { recursive: true }),
        'a link to itself': (place) => symlink(place, place),
        'a device without end': (place) => symlink('/dev/zero', place),
        'a pipe that nobody writes': (place) => execFileSync('mkfifo', [place]),
        'a file too large for any record': async (place) => {
            await writeFile(place, '');
            await truncate(place, 5e9);
        },
    };
    for (const [what, put] of Object.entries(others)) {
        for (const [place, asked] of [
            [await path(2), [2 * RECORD_OF_FILES, 3 * RECORD_OF_FILES]],
            [join(models, id), [0, undefined]],
        ]) {
            server.requests.length = 0;
            await rm(place);
            await put(place);
            assert.deepEqual((await Trit.models()).length, 1, what); // the others are listed as ever
            assert.deepEqual(await answer(await load()), expected, what);
            assert.deepEqual(server.requests, [asked], what);
        }
    }
});

test('S20 a file that this user may not read is one that is missing, and is written anew', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const store = openNodeStore();
    const value = new Uint8Array(100).buffer;
    await store.put('model/a', value);
    const folder = join(process.env.TRIT_CACHE, 'model');
    await chmod(join(folder, 'a'), 0);
    const isRoot = process.geteuid() === 0; // who may read everything
    if (isRoot) for (const each of [process.env.TRIT_CACHE, folder]) await chmod(each, 0o777);
    if (isRoot) process.seteuid(65_534);
    try {
        assert.equal(await store.get('model/a'), undefined);
        await store.put('model/a', value);
        assert.deepEqual(await store.get('model/a'), value);
    } finally {
        if (isRoot) process.seteuid(0);
    }
});

test('S21 where no folder can be made the model loads all the same, and says so', async (t) => {
    const { server, load } = await inFiles(t);
    const sha256 = createHash('sha256').update(packed).digest('hex');
    const folder = process.env.TRIT_CACHE;
    for (const file of [folder, join(folder, 'model'), join(folder, 'record')]) {
        await rm(folder, { recursive: true });
        if (file !== folder) await mkdir(folder);
        await writeFile(file, 'x');
        server.requests.length = 0;
        const model = await load({ sha256 });
        assert.equal(model.info.stored, false);
        assert.match(model.info.note, /^not stored: .* set TRIT_CACHE to another/);
        assert.deepEqual(await answer(model), expected);
        assert.deepEqual(server.requests, [[0, undefined]]);
        await assert.rejects(load({ sha256: '0'.repeat(64) }), coded('HASH'));
    }
});

test('S19 files can be begun anew beside what somebody is storing, and neither fails', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const value = () => new Uint8Array(100_000).buffer;
    let isOver = false;
    const writer = async (n) => {
        const store = openNodeStore();
        for (let i = 0; !isOver; i++) await store.put(`record/${n}/${i % 50}`, value());
    };
    const writers = Promise.all([1, 2, 3].map(writer));
    const store = openNodeStore();
    try {
        for (let i = 0; i < 30; i++) await store.reset();
    } finally {
        isOver = true;
        await writers;
    }
    await store.put('record/1/0', value());
    assert.deepEqual(await store.get('record/1/0'), value());
    // also what a process left that ended while it deleted
    await mkdir(join(process.env.TRIT_CACHE, 'record.1.gone', '1'), { recursive: true });
    await store.reset();
    assert.deepEqual(await readdir(process.env.TRIT_CACHE), []);
});

test('a file that its writer renames while the folder is listed hides none of the others', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const folder = join(process.env.TRIT_CACHE, 'model');
    await mkdir(folder);
    await writeFile(join(folder, 'a'), 'x');
    await symlink(join(folder, 'gone'), join(folder, 'b.part')); // listed, and not there when it is looked at
    assert.deepEqual(await openNodeStore().list('model/'), ['model/a']);
});

test('S10 the download of a load that is stopped is taken over by the one that waits', async (t) => {
    const { server, load } = await inFiles(t);
    let held, takenOver;
    server.fault = function (request, response, begin) {
        if (held) {
            takenOver ??= performance.now();
            return false;
        }
        held = response;
        response.writeHead(206, partHeaders(this, begin));
        response.write(this.bytes.subarray(begin, 3 * RECORD_OF_FILES));
        return true;
    };
    const stop = new AbortController();
    const first = load({ signal: stop.signal });
    const isStopped = assert.rejects(first, coded('ABORTED'));
    while (!held) await wait(10);
    const second = load();
    await wait(500);
    assert.equal(server.requests.length, 1, 'the second waits');
    const begin = performance.now();
    stop.abort();
    await isStopped;
    assert.deepEqual(await answer(await second), expected);
    assert.ok(takenOver - begin < 2000, `${takenOver - begin} ms`);
    assert.ok(server.requests[1][0] >= RECORD_OF_FILES);
});

test('S11 what somebody is loading from the store is not deleted', async (t) => {
    const { load } = await inFiles(t);
    await answer(await load());
    const [{ id }] = await Trit.models();
    const { request } = openNodeStore().locks;
    let give;
    const reading = request(`trit:model:${id}`, { mode: 'shared' }, () => {
        return new Promise((resolve) => (give = resolve));
    });
    while (!give) await wait(5);
    await assert.rejects(Trit.deleteModel(id), coded('IN_USE'));
    assert.deepEqual(await Trit.makeRoom(1), []);
    assert.deepEqual(await answer(await load()), expected, 'others may read');
    give();
    await reading;
    await Trit.deleteModel(id);
    assert.deepEqual(await Trit.models(), []);
});

test('S17 a bit that has flipped is noticed in every part of the file, and only its record is asked for', async (t) => {
    const { server, load, path } = await inFiles(t);
    await answer(await load());
    const count = Math.ceil(packed.length / RECORD_OF_FILES);
    for (let i = 0; i < count; i++) {
        const begin = i * RECORD_OF_FILES;
        const end = Math.min(packed.length, begin + RECORD_OF_FILES);
        // of the first the file's own header, then somewhere, of the last the end
        const place =
            i === 0 ? 10 : i === count - 1 ? end - begin - 1 : (i * 79_190) % (end - begin);
        server.requests.length = 0;
        const bytes = await readFile(await path(i));
        bytes[72 + place] ^= 1 << (i % 8);
        await writeFile(await path(i), bytes);
        assert.deepEqual(await answer(await load()), expected);
        assert.deepEqual(server.requests, [[begin, end]]);
    }
});

test('S20 records that are others, of another place, too many or of another length are known as such', async (t) => {
    const { server, load, path } = await inFiles(t);
    await answer(await load());
    const own = await path(2);
    const sha256 = createHash('sha256').update(packed).digest('hex');
    await answer(await load({ sha256 })); // another model to the store, with the same bytes
    const ids = (await Trit.models()).map(({ id }) => id);
    assert.equal(ids.length, 2);
    const [id, other] = own.includes(ids[0]) ? ids : ids.reverse();
    const foreign = own.replace(id, other);
    const damages = {
        'of another model': async () => writeFile(own, await readFile(foreign)),
        'of another place': async () => writeFile(own, await readFile(own.replace(/2$/, '3'))),
        'of another length': async () => {
            const bytes = (await readFile(own)).subarray(0, 72 + 1000);
            bytes.writeUInt32LE(1000, 68);
            createHash('sha256').update(bytes.subarray(32)).digest().copy(bytes);
            await writeFile(own, bytes);
        },
    };
    for (const [what, damage] of Object.entries(damages)) {
        server.requests.length = 0;
        await damage();
        assert.deepEqual(await answer(await load()), expected, what);
        assert.deepEqual(server.requests, [[2 * RECORD_OF_FILES, 3 * RECORD_OF_FILES]], what);
    }
    server.requests.length = 0;
    await writeFile(own.replace(/00000002$/, '00000500'), await readFile(own));
    await writeFile(own.replace(/00000002$/, 'other'), 'x');
    assert.deepEqual(await answer(await load()), expected);
    assert.deepEqual(server.requests, []);
});

test('S24 a folder that somebody has deleted is that of a first start', async (t) => {
    const { server, load } = await inFiles(t);
    await answer(await load());
    await rm(process.env.TRIT_CACHE, { recursive: true });
    assert.deepEqual(await Trit.models(), []);
    assert.deepEqual(await answer(await load()), expected);
    assert.equal(server.requests.length, 2);
});

test('S27 a model that was cut into records of another size loads', async (t) => {
    const { server, load } = await inFiles(t);
    await answer(await load());
    assert.deepEqual(await answer(await load({ store: { recordBytes: 1 << 20 } })), expected);
    assert.deepEqual(await answer(await load({ store: true })), expected);
    assert.equal(server.requests.length, 1);
});

test('what is stored, and what room there is, in Node', async (t) => {
    const { load } = await inFiles(t);
    await answer(await load());
    const { models, kind, usage, quota, persisted } = await Trit.storage();
    assert.deepEqual([models.length, kind, persisted], [1, 'files', true]);
    assert.ok(usage > packed.length && usage < packed.length + 10_000, `${usage}`);
    assert.ok(quota >= usage);
    assert.ok(Math.abs(models[0].used - Date.now()) < 60_000);
    assert.equal(await Trit.persist(), true);
    await Trit.resetStorage();
    assert.deepEqual((await Trit.storage()).models, []);
});
