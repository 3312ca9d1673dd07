// Answers that follow a grammar or a JSON schema.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Trit, TritError } from '../../web/node.js';
import { collect, modelPath } from './helpers.mjs';

const coded = (code, says) => (error) =>
    error instanceof TritError && error.code === code && (!says || says.test(error.message));
const prompt = 'Once upon a time';

let model;
before(async () => {
    model = await Trit.load(modelPath, { threads: 1 });
});
after(() => model.close());

const answer = (options) => model.generate(prompt, { seed: 1, ...options }).result;

test('the answer is of the grammar, and ends where nothing can follow', async () => {
    const grammar = 'root ::= " " ("yes" | "no") " and " [0-9]{3} "€"';
    for (let seed = 0; seed < 20; seed++) {
        const { text, finish } = await answer({ grammar, seed, temperature: 2 });
        assert.match(text, /^ (yes|no) and \d{3}€$/);
        assert.equal(finish, 'stop');
    }
    const greedy = await answer({ grammar, temperature: 0 });
    assert.match(greedy.text, /^ (yes|no) and \d{3}€$/);
});

test('where the grammar can end and can go on, the model chooses', async () => {
    const grammar = 'root ::= [^.]* ("." root)?';
    const { text } = await answer({ grammar, maxTokens: 40, temperature: 0 });
    const free = await answer({ maxTokens: 40, temperature: 0 });
    assert.equal(text, free.text, 'a grammar that lets all text through changes nothing');
    const nothing = await answer({ grammar: 'root ::= ""' });
    assert.deepEqual([nothing.ids, nothing.finish], [[], 'stop']);
});

test('a token more than the limit is not needed to see the end', async () => {
    const grammar = 'root ::= "a"';
    assert.equal((await answer({ grammar, maxTokens: 1 })).finish, 'stop');
    assert.equal((await answer({ grammar: 'root ::= "abcdefgh"', maxTokens: 1 })).finish, 'length');
});

test('a seed gives the same answer, in one engine and another', async () => {
    const options = { jsonSchema: { type: 'string', maxLength: 20 }, seed: 7, temperature: 1.5 };
    const first = await answer(options);
    const other = await Trit.load(modelPath, { threads: 2 });
    assert.deepEqual((await other.generate(prompt, options).result).ids, first.ids);
    other.close();
    assert.deepEqual((await answer(options)).ids, first.ids);
});

test('pieces, stop texts, penalties, bias and log-probabilities go with a grammar', async () => {
    const grammar = 'root ::= [a-z ]{30}';
    const going = model.generate(prompt, { grammar, seed: 3 });
    const pieces = await collect(going);
    assert.equal(pieces.join(''), (await going.result).text);
    const stopped = await answer({ grammar: 'root ::= "one two three"', stop: ['two'] });
    assert.deepEqual([stopped.text, stopped.finish], ['one ', 'stop']);
    const options = { grammar, maxTokens: 8, temperature: 0 };
    const { ids, logprobs } = await answer({ ...options, logprobs: 2 });
    const without = await answer({ maxTokens: 1, temperature: 0, logprobs: 2 });
    assert.equal(logprobs.length, ids.length);
    assert.deepEqual(logprobs[0].top, without.logprobs[0].top, 'of the model, without the grammar');
    const forbidden = await answer({ ...options, logitBias: { [ids[0]]: -Infinity } });
    assert.notEqual(forbidden.ids[0], ids[0]);
    const repeated = { grammar: 'root ::= ("a" | "b")+', maxTokens: 20, temperature: 0 };
    const penalised = await answer({ ...repeated, presencePenalty: 50, penaltyLast: -1 });
    assert.ok(/a/.test(penalised.text) && /b/.test(penalised.text));
});

test('an answer that is stopped is the beginning of one', async () => {
    const controller = new AbortController();
    const going = model.generate(prompt, { grammar: 'root ::= "a"*', signal: controller.signal });
    for await (const piece of going) {
        assert.match(piece, /^a+$/);
        controller.abort();
    }
    const { finish, text } = await going.result;
    assert.equal(finish, 'abort');
    assert.match(text, /^a+$/);
});

test('a conversation takes a grammar for each answer, and so does its fork', async () => {
    const talking = await Trit.load(modelPath, {
        threads: 1,
        template: '{{ messages[-1].content }}',
    });
    const chat = talking.chat();
    const ask = (one, grammar) => one.send('Yes or no?', { grammar }).result;
    assert.equal((await ask(chat, 'root ::= "yes"')).text, 'yes');
    const fork = chat.fork();
    assert.equal((await ask(fork, 'root ::= "no"')).text, 'no');
    assert.equal((await ask(chat, 'root ::= "maybe"')).text, 'maybe');
    assert.deepEqual(
        chat.history.map(({ content }) => content),
        ['Yes or no?', 'yes', 'Yes or no?', 'maybe'],
    );
    assert.throws(() => chat.send('x', { grammar: 5 }), coded('PARAM'));
    await assert.rejects(ask(chat, 'root ::='.slice(1)), coded('BAD_GRAMMAR'));
    talking.close();
});

test('JSON by a schema parses and has what the schema asks for', async () => {
    const jsonSchema = {
        type: 'object',
        properties: {
            name: { type: 'string', minLength: 1, maxLength: 12 },
            age: { type: 'integer', minimum: 0, maximum: 120 },
            likes: {
                type: 'array',
                items: { enum: ['cats', 'dogs', 3] },
                minItems: 1,
                maxItems: 3,
            },
        },
        required: ['name', 'age', 'likes'],
    };
    for (let seed = 0; seed < 10; seed++) {
        const { text, finish } = await answer({ jsonSchema, seed, temperature: 1 });
        assert.equal(finish, 'stop');
        const value = JSON.parse(text);
        assert.deepEqual(Object.keys(value), ['name', 'age', 'likes']);
        assert.ok(value.name.length > 0 && Number.isInteger(value.age) && value.age <= 120);
        assert.ok(value.likes.every((one) => ['cats', 'dogs', 3].includes(one)));
    }
    const { text } = await answer({ jsonSchema: true, temperature: 1, maxTokens: 60, seed: 5 });
    assert.match(text, /^["{[\-\dtfn]/);
});

test('what is no grammar or schema is refused by name, with its place', async () => {
    const bad = (options, code, says) => assert.rejects(answer(options), coded(code, says));
    await bad({ grammar: 'root ::= "a"\nother := "b"' }, 'BAD_GRAMMAR', /line 2/);
    await bad({ grammar: 'root ::= root "a" | "b"' }, 'BAD_GRAMMAR', /begins with itself/);
    await bad({ jsonSchema: { type: 'text' } }, 'BAD_SCHEMA', /type/);
    const nested = { properties: { a: { properties: { b: { pattern: 'x' } } } } };
    await bad({ jsonSchema: nested }, 'BAD_SCHEMA', /at \/a\/b: "pattern"/);
    const circle = {};
    circle.items = circle;
    assert.throws(() => model.generate(prompt, { jsonSchema: circle }), coded('BAD_SCHEMA'));
    for (const jsonSchema of [false, 'true', 5, [], { toJSON: () => undefined }])
        assert.throws(() => model.generate(prompt, { jsonSchema }), coded('BAD_SCHEMA'));
    const both = { grammar: 'root ::= "a"', jsonSchema: true };
    assert.throws(() => model.generate(prompt, both), coded('PARAM'));
    assert.equal((await answer({ grammar: 'root ::= "fine"' })).text, 'fine');
});
