// Random JSON schemas of all that trit serves, small enough that what they describe fits a small context.

const NAMES = ['name', 'age', 'x', 'tags', 'at "home"', 'größe', 'a', 'ab', 'next'];
const VALUES = [
    'red',
    'blue',
    'a "b"\\',
    'é',
    '',
    1,
    -2.5,
    1e21,
    0,
    true,
    false,
    null,
    [1, 'x'],
    { k: null },
];
const DEPTH = 3;

/** A generator of numbers by a seed: mulberry32. */
export function randomOf(seed) {
    let state = seed * 2654435761;
    return (n) => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) % n;
    };
}

/** @param {(n: number) => number} below */
function makers(below) {
    const pick = (list) => list[below(list.length)];
    const some = (list, n) => {
        const left = [...list];
        return Array.from({ length: n }, () => left.splice(below(left.length), 1)[0]);
    };
    const maybe = (members) =>
        Object.fromEntries(Object.entries(members).filter(() => below(2) === 0));

    const string = () => {
        if (below(3) === 0)
            return { type: 'string', format: pick(['date', 'time', 'date-time', 'uuid']) };
        const minLength = below(4);
        return { type: 'string', ...maybe({ minLength }), maxLength: minLength + below(8) };
    };
    const integer = () => {
        const minimum = below(2000) - 1000;
        const maximum = minimum + 2 + below(pick([3, 500, 100000]));
        return pick([
            { type: 'integer', minimum, maximum },
            { type: 'integer', exclusiveMinimum: minimum, maximum },
            { type: 'integer', exclusiveMinimum: minimum - 0.5, exclusiveMaximum: maximum + 0.5 },
            { type: 'integer', minimum },
            { type: 'integer', exclusiveMaximum: maximum },
            { type: 'integer' },
        ]);
    };
    const number = () => {
        const low = below(40) - 20;
        const bounds = { minimum: low, maximum: low + below(30), exclusiveMinimum: low - 1 };
        return { type: 'number', ...maybe(bounds), ...maybe({ exclusiveMaximum: low + 31 }) };
    };
    const list = () => pick([{ enum: some(VALUES, 1 + below(5)) }, { const: pick(VALUES) }]);
    const array = (depth) => {
        const minItems = below(3);
        const bounds = { ...maybe({ minItems }), maxItems: minItems + below(3) };
        const items = below(4) ? { items: schema(depth - 1) } : { items: { type: 'boolean' } };
        if (below(3)) return { type: 'array', ...items, ...bounds };
        const prefixItems = [schema(depth - 1), schema(depth - 1)];
        return {
            type: 'array',
            prefixItems,
            ...pick([{}, { items: false }, { ...items, maxItems: 4 }]),
        };
    };
    const object = (depth) => {
        const names = some(NAMES, 1 + below(4));
        const properties = Object.fromEntries(names.map((name) => [name, schema(depth - 1)]));
        const required = names.filter(() => below(2) === 0);
        // what others are called is the model's choice, and there is no bound to how many there are
        const others = pick([
            {},
            {},
            {},
            { additionalProperties: false },
            { additionalProperties: integer() },
        ]);
        return { type: 'object', properties, ...(below(4) ? { required } : {}), ...others };
    };
    const apart = (depth) => {
        const kinds = some(['circle', 'square', 'line'], 2);
        return kinds.map((kind) => ({
            type: 'object',
            properties: { kind: { const: kind }, [pick(NAMES)]: schema(depth - 1) },
            required: ['kind'],
        }));
    };
    const choice = (depth) =>
        pick([
            { anyOf: [schema(depth - 1), schema(depth - 1)] },
            { oneOf: apart(depth) },
            { oneOf: [string(), integer(), { type: 'null' }] },
            { allOf: [schema(depth - 1)] },
            { type: some(['string', 'null', 'boolean', 'integer'], 2), maxLength: 5 },
        ]);
    const simple = [string, integer, number, list, () => ({ type: pick(['boolean', 'null']) })];
    const schema = (depth) => {
        const made =
            depth > 0 ? pick([...simple, array, object, object, choice])(depth) : pick(simple)();
        return below(8) ? made : { ...made, title: 'a title', description: 'what it is' };
    };
    const tree = () => ({
        $defs: {
            node: {
                type: 'object',
                properties: {
                    value: schema(1),
                    next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
                },
                required: ['value', 'next'],
            },
        },
        ...pick([
            { $ref: '#/$defs/node' },
            { type: 'array', items: { $ref: '#/$defs/node' }, maxItems: 2 },
        ]),
    });
    return { schema, tree };
}

/** @param {number} seed */
export function randomSchema(seed) {
    const below = randomOf(seed);
    const { schema, tree } = makers(below);
    return below(10) ? schema(DEPTH) : tree();
}
