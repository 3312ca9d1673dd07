// Conversations of the chat page as files, and back.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeSite } from './chat.mjs';
import { root } from './helpers.mjs';

let exchange;
before(async () => {
    const folder = makeSite({ folder: join(root, 'build/chat-exchange') }); // under package.json, which says that it has modules;
    exchange = await import(pathToFileURL(`${folder}/exchange.js`).href);
});

const read = (text) => exchange.readConversations(new File([text], 'x'));

const TEXTS = [
    'One line',
    'Two\nlines\n\n\nand empty ones\n',
    '\nbegins with an empty line',
    '## You\n## Model\n\n# Title',
    '\\## You\n\\\\# twice',
    'ends in a heading\n\n## Model',
    '<script>alert(1)</script> 𝄞 \u202e',
    '',
];

const conversationOf = (texts) => ({
    title: 'A “title” # with marks',
    mode: 'chat',
    settings: { system: 'Be kind.', temperature: 0.5 },
    created: 1,
    changed: 2,
    messages: texts.map((text, i) => ({ role: i % 2 ? 'assistant' : 'user', text })),
});

test('JSON gives back all that a conversation holds', async () => {
    const own = conversationOf(TEXTS);
    const [back] = await read(exchange.toJson([{ ...own, id: 'a', revision: 7 }]));
    assert.deepEqual(back, { ...own, settings: { ...back.settings, ...own.settings } });
    assert.equal(back.settings.topP, null);
});

test('Markdown gives back who said what', async () => {
    for (const texts of [TEXTS, [...TEXTS].reverse(), ...TEXTS.map((text) => [text])]) {
        const { title, messages } = conversationOf(texts);
        const [back] = await read(exchange.toMarkdown({ ...conversationOf(texts), id: 'a' }));
        assert.deepEqual(back.messages, messages);
        assert.equal(back.title, title);
    }
});

test('a title of several lines, as another program may write it, says nothing in Markdown', async () => {
    const odd = { ...conversationOf(['One']), title: ' A\n## You\n\nstranger ' };
    const [back] = await read(exchange.toMarkdown(odd));
    assert.deepEqual([back.title, back.messages], ['A ## You stranger', odd.messages]);
});

test('Markdown from an editor that ends lines as Windows does is the same', async () => {
    const text = exchange.toMarkdown(conversationOf(['One\ntwo', 'three']));
    const [back] = await read(text.replaceAll('\n', '\r\n'));
    assert.deepEqual(
        back.messages.map(({ text: each }) => each),
        ['One\ntwo', 'three'],
    );
});

const whole = { format: 'trit-chat', version: 1 };
for (const [name, text] of Object.entries({
    nothing: '',
    'no JSON': '{"format": "trit-chat", ',
    'other JSON': '{"messages": []}',
    'no list': JSON.stringify({ ...whole, conversations: {} }),
    'no conversation': JSON.stringify({ ...whole, conversations: [null] }),
    'no messages': JSON.stringify({ ...whole, conversations: [{ title: 'x' }] }),
    'a message of nobody': JSON.stringify({
        ...whole,
        conversations: [{ messages: [{ role: 'system', text: '' }] }],
    }),
    'a message that is null': JSON.stringify({ ...whole, conversations: [{ messages: [null] }] }),
    'a text that is none': JSON.stringify({
        ...whole,
        conversations: [{ messages: [{ role: 'user', text: {} }] }],
    }),
    'no Markdown of ours': '# A title\n\nand a text\n',
}))
    test(`a file with ${name} is refused in a sentence`, async () => {
        await assert.rejects(read(text), /^Error: The file holds no conversations/);
    });

test('a file of a newer version is refused, and says so', async () => {
    const text = JSON.stringify({ ...whole, version: 2, conversations: [] });
    await assert.rejects(read(text), /newer version/);
});

test('what a file says beside is taken only where it makes sense', async () => {
    const odd = {
        ...{ messages: [{ role: 'user', text: 'x', onclick: 'y' }], id: 'stolen', revision: 9 },
        ...{
            title: 7,
            mode: 'admin',
            created: 'now',
            settings: { temperature: -1, topK: 1.5, seed: 3, system: [] },
        },
    };
    const [back] = await read(JSON.stringify({ ...whole, conversations: [odd] }));
    assert.deepEqual(back.messages, [{ role: 'user', text: 'x' }]);
    assert.deepEqual(
        [back.title, back.mode, back.settings.temperature, back.settings.topK],
        ['', 'chat', null, null],
    );
    assert.deepEqual([back.settings.seed, back.settings.system], [3, '']);
    assert.ok(Number.isFinite(back.created));
    assert.ok(!('id' in back) && !('revision' in back));
});
