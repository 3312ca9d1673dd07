// Models from addresses, through IndexedDB: the second visit needs no server.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { before } from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { Trit } from '../../web/node.js';
import { openBrowser } from './browsers.mjs';
import { modelPath } from './helpers.mjs';
import { cutAt, serveModel } from './model-server.mjs';
import { startServer } from './server.mjs';

const packed = readFileSync(modelPath);
const RECORD = 1 << 18;
const options = { threads: 1, store: { recordBytes: RECORD } };
const prompt = 'Once upon a time';
const maxTokens = 8;

let expected;
before(async () => {
    const model = await Trit.load(modelPath, { threads: 1, flavour: 'simd128' });
    expected = await model.generate(prompt, { temperature: 0, maxTokens }).result;
    model.close();
});

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    test(name, { skip }, async (t) => {
        const browser = await openBrowser(name);
        const pages = await startServer({ isolated: true });
        const models = await serveModel(packed, {
            'access-control-allow-origin': '*',
            'access-control-expose-headers': 'content-range',
        });
        t.after(() => browser.close());
        t.after(() => [pages, models].forEach((server) => server.close()));

        /** A visit: the page opens, loads the model and answers. */
        const visit = async (more = {}) => {
            const page = await browser.open(`${pages.url}/tests/web/page.html`);
            try {
                return await page.evaluate(
                    (...rest) =>
                        window.answer(...rest).catch(({ code, message }) => ({ code, message })),
                    ...[{ ...options, ...more }, prompt, maxTokens, models.url],
                );
            } finally {
                await page.close();
            }
        };
        const inPage = async (source, ...args) => {
            const page = await browser.open(`${pages.url}/tests/web/page.html`);
            try {
                return await page.evaluate(source, ...args);
            } finally {
                await page.close();
            }
        };

        await t.test('the next visit goes on with a download that was given up', async () => {
            models.fault = cutAt(3 * RECORD + 1000, 1500);
            assert.equal((await visit({ network: { tries: 1 } })).code, 'NETWORK');
            models.fault = undefined;
            const { result, info } = await visit();
            assert.deepEqual(result.ids, expected.ids);
            assert.equal(info.stored, true);
            assert.deepEqual(models.requests.slice(1), [[3 * RECORD, packed.length]]);
        });

        await t.test('the next visit asks for nothing', async () => {
            const before = models.requests.length;
            const { result } = await visit();
            assert.deepEqual(result.ids, expected.ids);
            assert.equal(models.requests.length, before);
        });

        await t.test('a changed bit is noticed, and only its record is asked for', async () => {
            models.requests.length = 0;
            await inPage(async () => {
                const db = await new Promise((resolve) => {
                    const request = indexedDB.open('trit-models');
                    request.onsuccess = () => resolve(request.result);
                });
                const transaction = db.transaction('values', 'readwrite');
                const store = transaction.objectStore('values');
                const keys = store.getAllKeys(IDBKeyRange.bound('record/', 'record/\uffff'));
                keys.onsuccess = () => {
                    const value = store.get(keys.result[4]);
                    value.onsuccess = () => {
                        new Uint8Array(value.result)[100_000] ^= 1;
                        store.put(value.result, keys.result[4]);
                    };
                };
                await new Promise((resolve) => (transaction.oncomplete = resolve));
                db.close();
            });
            const { result } = await visit();
            assert.deepEqual(result.ids, expected.ids);
            assert.deepEqual(models.requests, [[4 * RECORD, 5 * RECORD]]);
        });

        await t.test('two tabs that begin at once download the model once', async () => {
            await inPage(async () => {
                for (const { id } of await window.Trit.models()) await window.Trit.deleteModel(id);
            });
            models.requests.length = 0;
            for (const { result, code, message } of await Promise.all([visit(), visit()])) {
                assert.deepEqual([code, message], [undefined, undefined]);
                assert.deepEqual(result.ids, expected.ids);
            }
            assert.deepEqual(models.requests, [[0, undefined]]);
        });

        await t.test(
            'of a server that hides which part it sent all is asked for at once',
            async () => {
                await inPage(async () => {
                    for (const { id } of await window.Trit.models())
                        await window.Trit.deleteModel(id);
                });
                models.requests.length = 0;
                delete models.headers['access-control-expose-headers'];
                const { result, info } = await visit({ network: { askedBytes: RECORD } });
                assert.deepEqual([result.ids, info.stored], [expected.ids, true]);
                assert.deepEqual(models.requests, [
                    [0, RECORD],
                    [0, undefined],
                ]);
            },
        );

        await t.test('what is deleted is gone', async () => {
            const left = await inPage(async () => {
                for (const { id } of await window.Trit.models()) await window.Trit.deleteModel(id);
                return window.Trit.models();
            });
            assert.deepEqual(left, []);
        });
    });
}
