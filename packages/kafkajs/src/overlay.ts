/** Objects of a library with some members replaced, and everything else as it was. */

type Member = (...args: never[]) => unknown;

const TRACED = Symbol.for('clew.kafkajs.traced');

/** Whether a method is one of ours, from this copy of the package or another one. */
export function isTraced(method: unknown): boolean {
  return typeof method === 'function' && TRACED in method;
}

/**
 * The same object with some methods replaced. Reading, writing, listing and `instanceof` reach the object itself, so
 * what the library or the application adds to it later is seen; only the replaced names have a place of their own.
 *
 * @param members  the replacements; they are marked for `isTraced`
 */
export function overlay<T extends object>(target: T, members: Record<string, Member>): T {
  const replaced = new Map<PropertyKey, unknown>();
  for (const [name, member] of Object.entries(members)) {
    Object.defineProperty(member, TRACED, { value: true });
    replaced.set(name, member);
  }
  const bound = new WeakMap<Member, Member>();
  // KafkaJS makes producers as plain objects of closures. Methods of classes may read private fields, which a proxy
  // does not have, so they are called on the object itself.
  const isBindingNeeded = !isPlain(target);
  // A proxy has to show fixed members of its target as they are, so a frozen target is put behind another object.
  const base = Object.isFrozen(target) ? (Object.create(target) as T) : target;
  return new Proxy(base, {
    get(object, key) {
      if (replaced.has(key)) return replaced.get(key);
      const value: unknown = Reflect.get(object, key, object);
      if (!isBindingNeeded || typeof value !== 'function' || key === 'constructor') return value;
      return bindOnce(bound, value as Member, object);
    },
    set(object, key, value) {
      if (!replaced.has(key)) return Reflect.set(object, key, value, object);
      replaced.set(key, value);
      return true;
    },
    getOwnPropertyDescriptor(object, key) {
      const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
      if (descriptor === undefined || !replaced.has(key)) return descriptor;
      return {
        value: replaced.get(key),
        writable: true,
        enumerable: descriptor.enumerable ?? true,
        configurable: true,
      };
    },
    defineProperty(object, key, descriptor) {
      if (!replaced.has(key) || !('value' in descriptor)) return Reflect.defineProperty(object, key, descriptor);
      replaced.set(key, descriptor.value);
      return true;
    },
  });
}

function bindOnce(bound: WeakMap<Member, Member>, method: Member, object: object): Member {
  let own = bound.get(method);
  if (own === undefined) {
    own = method.bind(object) as Member;
    bound.set(method, own);
  }
  return own;
}

/** Whether an object is a plain one, whose own properties are all it has. */
export function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A copy of an application's object with one property changed; the object itself may be frozen, or be used again.
 * What a class gives its instances is kept.
 */
export function withProperty<T extends object>(object: T, key: string, value: unknown): T {
  if (isPlain(object)) return { ...object, [key]: value };
  const own: PropertyDescriptorMap = {};
  for (const name of accessorsOf(object)) own[name] = fixed(Reflect.get(object, name));
  own[key] = fixed(value);
  return Object.create(object, own) as T;
}

function fixed(value: unknown): PropertyDescriptor {
  return { value, writable: true, enumerable: true, configurable: true };
}

/** The accessors of a class; they may read private fields, which an object that only inherits does not have. */
function accessorsOf(object: object): string[] {
  const names: string[] = [];
  let holder: object | null = object;
  while (holder !== null && holder !== Object.prototype) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
      if (descriptor.get !== undefined) names.push(name);
    }
    holder = Object.getPrototypeOf(holder) as object | null;
  }
  return names;
}
