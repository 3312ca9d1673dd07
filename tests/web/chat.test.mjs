// The chat page as a person uses it.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { chatPage } from './chat-page.mjs';
import { serveWithHeaders } from './chat.mjs';
import { modelPath, temporaryFolder } from './helpers.mjs';
import { serveModel } from './model-server.mjs';

const BEGIN = 'Once upon a time there was a fox';

/** In the page: the button that was pressed for it is gone, and the answer has its own. */
const isWritten = () =>
    !document.querySelector('[data-chosen]') &&
    document.querySelector('#messages > li.assistant .actions button');

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    // of all tests in this browser; its pages have what they store in common
    test(`${name}: the chat page`, { skip }, async (t) => {
        const models = await serveModel(readFileSync(modelPath), {
            'access-control-allow-origin': '*',
            'access-control-expose-headers': '*',
        });
        const chat = await serveWithHeaders(t, { allowed: [models.origin] });
        const browser = await openBrowser(name);
        t.after(async () => {
            await browser.close();
            models.close();
        });
        const open = async () => chatPage(await browser.open(chat.url));
        const page = await open();
        await page.ready();

        await t.test('says what the bundled model is, and tells a story at once', async () => {
            const about = await page.evaluate(() => document.querySelector('#mode').textContent);
            assert.match(about, /Story mode.*small test model/);
            await page.set('seed', 1);
            const told = await page.say(BEGIN);
            assert.ok(told.length > 40, told);
            assert.match(await page.status(), /^\d+ tokens, \d+ tokens\/s/);
            assert.deepEqual(await page.titles(), [BEGIN]);
            const [{ role, text }] = await page.read();
            assert.deepEqual([role, text], ['user', BEGIN]);
        });

        await t.test('the same seed tells the same story again, another one another', async () => {
            const [, first] = await page.read();
            const again = async () => {
                await page.choose('Regenerate', '#messages');
                await page.until('another answer', () =>
                    document.querySelector('#messages > li.assistant .actions button'),
                );
                return (await page.read())[1].text;
            };
            assert.equal(await again(), first.text);
            await page.set('seed', 2);
            assert.notEqual(await again(), first.text);
        });

        await t.test('stops, keeps what there is, and goes on from there', async () => {
            await page.choose('New conversation');
            await page.type('#text', BEGIN);
            // a script is quicker than a driver's click would be
            await page.evaluate(() => {
                const seen = new MutationObserver(() => {
                    if (!document.querySelector('#messages > li.assistant .plain')?.textContent)
                        return;
                    seen.disconnect();
                    document.querySelector('#stop').click();
                });
                seen.observe(document.querySelector('#messages'), {
                    childList: true,
                    subtree: true,
                    characterData: true,
                });
            });
            await page.press('Enter');
            await page.until('the stop', () =>
                document.querySelector('#status').textContent.includes('stopped'),
            );
            const [, { text }] = await page.read();
            assert.ok(text.length > 0);
            await page.until('its buttons', () =>
                document.querySelector('#messages > li.assistant .actions button'),
            );
            await page.choose('Go on', '#messages');
            await page.until(
                'more',
                (n) =>
                    document.querySelector('#stop').hidden &&
                    document.querySelector('#messages > li.assistant .plain').textContent.length >
                        n,
                text.length,
            );
            assert.ok((await page.read())[1].text.startsWith(text));
        });

        await t.test(
            'an earlier message that is sent again in other words begins a second conversation',
            async () => {
                await page.say('A king had three sons');
                const before = await page.read();
                assert.equal(before.length, 4);
                await page.choose('Edit', '#messages > li');
                await page.evaluate(
                    () => (document.querySelector('#messages textarea').value = ''),
                );
                await page.type('#messages textarea', 'A queen');
                await page.choose('Send again');
                await page.until('its answer', () =>
                    document.querySelector('#messages > li.assistant .actions button'),
                );
                assert.deepEqual((await page.read()).map(({ text }) => text)[0], 'A queen');
                assert.deepEqual((await page.titles()).sort(), [BEGIN, BEGIN, 'A queen'].sort());
                await page.choose('A queen', '#conversations');
            },
        );

        await t.test('renames, searches and deletes', async () => {
            const menu = async (label) => {
                await page.click('#conversations li:first-child summary');
                await page.choose(label, '#conversations li:first-child');
            };
            await menu('Rename');
            await page.evaluate(() => (document.querySelector('dialog[open] input').value = ''));
            await page.type('dialog[open] input', 'Zyx tale');
            await page.choose('Save', 'dialog[open]');
            await page.until(
                'its name',
                () => document.querySelector('.title').textContent === 'Zyx tale',
            );
            await page.type('#search', 'zYX');
            await page.until('one', () => document.querySelectorAll('.title').length === 1);
            assert.deepEqual(await page.titles(), ['Zyx tale']);
            await menu('Delete');
            await page.choose('Delete', 'dialog[open]');
            await page.until('none', () => !document.querySelector('.title'));
            await page.evaluate(() => {
                document.querySelector('#search').value = '';
                document.querySelector('#search').dispatchEvent(new Event('input'));
            });
            assert.deepEqual(await page.titles(), [BEGIN, BEGIN]);
        });

        await t.test(
            'keeps both of two changes at once, and nothing that was deleted',
            async () => {
                const outcomes = await page.evaluate(async () => {
                    const { Conversations, newConversation } = await import('/conversations.js');
                    const conversations = new Conversations(() => {});
                    const own = newConversation('chat', { title: 'twice' });
                    const both = [conversations.save(own), conversations.save(own)];
                    const told = await Promise.all(both);
                    const { revision } = await conversations.get(own.id);
                    await conversations.remove(own.id);
                    const after = await conversations.save(own);
                    const titles = (await conversations.all()).map(({ title }) => title);
                    return { told, revision, after, isThere: titles.includes('twice') };
                });
                assert.deepEqual(outcomes, {
                    ...{
                        told: ['stored', 'stored'],
                        revision: 2,
                        after: 'deleted',
                        isThere: false,
                    },
                });
            },
        );

        await t.test('a conversation is there after a reload', async () => {
            const again = await open();
            await again.ready();
            assert.deepEqual(await again.titles(), [BEGIN, BEGIN]);
            await again.choose(BEGIN, '#conversations');
            await again.until('it', () => document.querySelector('#messages > li'));
            assert.equal((await again.read())[0].text, BEGIN);
            await again.close();
        });

        await t.test(
            'what stands beside its conversations and is none hides no other',
            async () => {
                const put = (values) =>
                    page.evaluate(async (pairs) => {
                        const opening = indexedDB.open('trit-chat');
                        await new Promise((done) => (opening.onsuccess = done));
                        const transaction = opening.result.transaction('values', 'readwrite');
                        const store = transaction.objectStore('values');
                        for (const [key, value] of pairs)
                            if (value === undefined) store.delete(key);
                            else store.put(value, key);
                        await new Promise((done) => (transaction.oncomplete = done));
                        opening.result.close();
                    }, values);
                const none = [null, 7, 'text', [], {}, { messages: {} }, { messages: [null] }];
                const some = {
                    mode: 'story',
                    messages: [
                        { role: 'user', text: 'Somebody else' },
                        { role: 'assistant', text: 'Yes' },
                    ],
                };
                const odd = [
                    ...none.map((value, i) => [`odd ${i}`, value]),
                    ['odd role', { messages: [{ role: 'system', text: '' }] }],
                    [5, some],
                    ['odd rest', { ...some, title: 7, settings: null, changed: 'x', revision: {} }],
                ];
                await put(odd);
                const again = await open();
                await again.ready();
                assert.deepEqual(await again.titles(), ['Somebody else', BEGIN, BEGIN]);
                await again.choose('Somebody else', '#conversations');
                assert.deepEqual((await again.read())[0].text, 'Somebody else');
                await again.say('And on');
                assert.deepEqual(
                    await again.titles(),
                    ['Somebody else', BEGIN, BEGIN],
                    'it is kept in its place',
                );
                await again.close();
                await put(odd.map(([key]) => [key]));
            },
        );

        await t.test('takes conversations from a file, and refuses what is none', async (inner) => {
            const folder = temporaryFolder(inner);
            const file = (text) => {
                writeFileSync(join(folder, 'x.json'), text);
                return page.uploadFile('#import-file', join(folder, 'x.json'));
            };
            const markup = '<img src=x onerror=alert(1)>';
            const messages = [
                { role: 'user', text: markup },
                { role: 'assistant', text: markup },
            ];
            await file(
                JSON.stringify({
                    format: 'trit-chat',
                    version: 1,
                    conversations: [{ title: markup, messages }],
                }),
            );
            await page.until(
                'it',
                (title) =>
                    [...document.querySelectorAll('.title')].some(
                        ({ textContent }) => textContent === title,
                    ),
                markup,
            );
            await page.choose(markup, '#conversations');
            assert.deepEqual(
                (await page.read()).map(({ text }) => text),
                [markup, markup],
            );
            assert.match(
                await page.evaluate(() => document.querySelector('#mode').textContent),
                /needs a model that chats/,
            );
            await file('{}');
            await page.until('a refusal', () =>
                document.querySelector('#status').textContent.includes('holds no conversations'),
            );
            assert.equal((await page.titles()).length, 3);
        });

        await t.test('takes a model from a file, and chats with it', async () => {
            await page.choose('New conversation');
            await page.uploadFile('#model-file', modelPath);
            await page.until(
                'it',
                () => document.querySelector('#model-name').textContent === 'tiny-tales.trit',
            );
            await page.ready();
            await page.set('maxTokens', 20);
            await page.say('Who are you?');
            assert.match(
                await page.evaluate(
                    () => document.querySelector('#messages > li.assistant > div').className,
                ),
                /markdown/,
            );
            assert.match(
                await page.evaluate(() => document.querySelector('#meter-line').textContent),
                /^\d+ of \d+ tokens/,
            );
        });

        await t.test('has the model of that file without the file', async () => {
            await page.click('#open-models');
            const label = `Use ${basename(modelPath)}`;
            const isThere = (wanted) => document.querySelector(`#stored [aria-label="${wanted}"]`);
            await page.until('it', isThere, label);
            // the list is drawn again when the store has told of it once more, under a driver's hands
            await page.evaluate(
                (wanted) => document.querySelector(`#stored [aria-label="${wanted}"]`).click(),
                label,
            );
            await page.until('it', () => !document.querySelector('#models').open);
            await page.ready();
            assert.equal(
                await page.evaluate(() => document.querySelector('#model-name').textContent),
                basename(modelPath),
            );
        });

        await t.test('takes a model from an address, pauses and goes on', async () => {
            // half of it comes, and then nothing until the page gives up
            models.fault = (request, response) => {
                const { length } = models.bytes;
                const range = `bytes 0-${length - 1}/${length}`;
                response.writeHead(206, {
                    ...models.headers,
                    'content-length': length,
                    'content-range': range,
                });
                response.write(models.bytes.subarray(0, length / 2));
                return true;
            };
            await page.click('#open-models');
            await page.type('#source', models.url);
            await page.choose('Load', '#source-form');
            await page.until('a part', () => document.querySelector('#progress').value > 0);
            await page.choose('Pause', '#loading');
            await page.until('the pause', () =>
                document.querySelector('#progress-line').textContent.startsWith('Paused'),
            );
            models.fault = undefined;
            await page.choose('Resume', '#loading');
            await page.until(
                'the model',
                () => document.querySelector('#model-name').textContent === 'model',
            );
            await page.ready();
        });

        await t.test('says what to do about an address that the page may not ask', async () => {
            const other = await serveModel(readFileSync(modelPath));
            await page.click('#open-models');
            await page.evaluate(() => (document.querySelector('#source').value = ''));
            await page.type('#source', other.url);
            await page.choose('Load', '#source-form');
            await page.until('the sentence', () =>
                document.querySelector('#models-trouble').textContent.includes('CSP_BLOCKED'),
            );
            assert.deepEqual(other.requests, []);
            const name = await page.evaluate(
                () => document.querySelector('#model-name').textContent,
            );
            assert.equal(name, 'model', 'the model before is still there');
            other.close();
            await page.choose('Done', '#models');
        });

        await t.test(
            'shows in one tab what was done in another, and loses nothing of either',
            async () => {
                const second = await open();
                await second.ready();
                // of two tabs only one is in front, where drivers can click
                const show = (title) =>
                    [...document.querySelectorAll('.title')]
                        .find((each) => each.textContent === title)
                        .click();
                const say = (text) => {
                    document.querySelector('#text').value = text;
                    document.querySelector('#composer').requestSubmit();
                };
                const answered = () =>
                    page.until('an answer', () => document.querySelector('#stop').hidden);
                await page.evaluate(() => document.querySelector('#new-conversation').click());
                await page.evaluate(say, 'A hare');
                await answered();
                await second.until(
                    'its title',
                    () => document.querySelector('.title').textContent === 'A hare',
                );
                await second.evaluate(show, 'A hare');
                const titles = await page.titles();
                const before = (await page.read()).length;
                await page.evaluate(say, 'A stoat');
                await answered();
                await second.until(
                    'what the other said',
                    (n) => document.querySelectorAll('#messages > li').length === n,
                    before + 2,
                );
                assert.deepEqual(await second.read(), await page.read());
                // both at once: browsers deliver in order, so that the word is there before what the first one's answer changes
                await second.evaluate(() => {
                    const channel = new BroadcastChannel('test');
                    channel.onmessage = ({ data }) => {
                        channel.close();
                        document.querySelector('#text').value = data;
                        document.querySelector('#composer').requestSubmit();
                        window.hasSaid = true;
                    };
                });
                await page.evaluate(() => {
                    const channel = new BroadcastChannel('test');
                    channel.postMessage('An owl');
                    channel.close();
                    document.querySelector('#text').value = 'A crow';
                    document.querySelector('#composer').requestSubmit();
                });
                await second.until('its question', () => window.hasSaid);
                for (const tab of [page, second])
                    await tab.until('an answer', () => document.querySelector('#stop').hidden);
                await second.until(
                    'both',
                    (n) => document.querySelectorAll('.title').length === n,
                    titles.length + 1,
                );
                const said = async (tab) => (await tab.read()).at(-2).text;
                assert.deepEqual([await said(page), await said(second)], ['A crow', 'An owl']);
                const added = (await second.titles()).filter((each) => !titles.includes(each));
                assert.deepEqual(added, ['A hare (this tab)']);
                assert.deepEqual(await second.troubles(), []);
                await second.close();
            },
        );

        await t.test('a model that is not kept any more is not downloaded unasked', async () => {
            await page.evaluate(async (url) => {
                const { Trit } = await import('/trit/index.js');
                for (const { id, about } of await Trit.models())
                    if (about.source.includes(url)) await Trit.deleteModel(id);
            }, models.url);
            models.requests.length = 0;
            const again = await open();
            await again.until('the sentence', () =>
                document.querySelector('#status').textContent.includes('model is not on this'),
            );
            const name = await again.evaluate(
                () => document.querySelector('#model-name').textContent,
            );
            assert.deepEqual([name, models.requests], ['tiny-stories', []]);
            await again.close();
        });

        const troubles = await page.troubles();
        assert.deepEqual(
            troubles.filter((each) => !each.includes('Content Security Policy')),
            [],
        );
    });
}
