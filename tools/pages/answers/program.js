// Runs the functions that `program.py` made data of.

const ARITHMETIC = {
  Add: (x, y) => x + y,
  Sub: (x, y) => x - y,
  Mult: (x, y) => x * y,
  Div: (x, y) => x / y,
  Pow: (x, y) => x ** y,
};
const COMPARED = {
  Eq: (x, y) => x === y,
  NotEq: (x, y) => x !== y,
  Lt: (x, y) => x < y,
  LtE: (x, y) => x <= y,
  Gt: (x, y) => x > y,
  GtE: (x, y) => x >= y,
};

class Program {
  constructor(functions) {
    this.functions = functions;
  }

  // Return the function that a node such as ["function", 0] names.
  value(node) {
    return (...args) => this.tell(node, {})({}, ...args);
  }

  make({ parameters, body, defaults = [] }, outer) {
    return (named, ...args) => {
      const local = Object.create(outer);
      parameters.forEach((name, i) => {
        const rest = defaults[i - parameters.length + defaults.length];
        local[name] = args[i] ?? named[name] ?? (rest && this.tell(rest, outer));
      });
      return this.run(body, local)?.value ?? null;
    };
  }

  run(statements, local) {
    for (const [kind, ...parts] of statements) {
      if (kind === "return") return { value: this.tell(parts[0], local) };
      if (kind === "assign") assign(parts[0], this.tell(parts[1], local), local);
      if (kind === "put") local[parts[0]] = put(local[parts[0]], parts[1], this.tell(parts[2], local));
      if (kind === "if") {
        const returned = this.run(isTrue(this.tell(parts[0], local)) ? parts[1] : parts[2], local);
        if (returned) return returned;
      }
      if (kind === "for") {
        for (const one of listed(this.tell(parts[1], local))) {
          assign(parts[0], one, local);
          const returned = this.run(parts[2], local);
          if (returned) return returned;
        }
      }
    }
    return null;
  }

  tell(node, local) {
    const [kind, ...parts] = node;
    const tell = (part) => this.tell(part, local);
    if (kind in ARITHMETIC) {
      return both(ARITHMETIC[kind], ...parts.map(tell), kind === "Div" ? "float64" : undefined);
    }
    switch (kind) {
      case "constant": return fromData(parts[0]);
      case "text": return parts[0];
      case "none": return null;
      case "local": return local[parts[0]];
      case "function": return this.make(this.functions[parts[0]], {});
      case "lambda": return this.make(parts[0], local);
      case "known":
        if (!(parts[0] in KNOWN)) throw new Beyond(parts[0]);
        return KNOWN[parts[0]];
      case "list": return this.all(parts, local);
      case "call": return tell(parts[0])(
        Object.fromEntries(Object.entries(parts[2]).map(([name, part]) => [name, tell(part)])),
        ...this.all(parts[1], local),
      );
      case "attribute": return attribute(tell(parts[0]), parts[1]);
      case "item": return item(...parts.map(tell));
      case "slice": return { range: parts.map((part) => tell(part)?.data[0]) };
      case "USub": return each((x) => -x, tell(parts[0]));
      case "Invert": return each((x) => Number(!x), tell(parts[0]));
      case "Not": return scalar(!isTrue(tell(parts[0])), "bool");
      case "MatMult": return dot(...parts.map(tell));
      case "And": return this.first(parts, (value) => !isTrue(value), local);
      case "Or": return this.first(parts, isTrue, local);
      case "choose": return tell(isTrue(tell(parts[0])) ? parts[1] : parts[2]);
      case "compare": return chain(parts[0], parts[1].map(tell));
      case "join": return parts.map(tell).join("");
      case "format": return formatted(tell(parts[0]), parts[1]);
      case "comprehend": return listed(tell(parts[2])).flatMap((one) => {
        const inner = Object.create(local);
        assign(parts[1], one, inner);
        return parts[3].every((test) => isTrue(this.tell(test, inner))) ? [this.tell(parts[0], inner)] : [];
      });
      default: throw new Beyond(kind);
    }
  }

  all(parts, local) {
    return parts.flatMap((part) =>
      part[0] === "each" ? listed(this.tell(part[1], local)) : [this.tell(part, local)]);
  }

  first(parts, ends, local) {
    let value;
    for (const part of parts) {
      value = this.tell(part, local);
      if (ends(value)) break;
    }
    return value;
  }
}

const listed = (value) => (isArray(value) ? rowsOf(value) : value);

function assign(names, value, local) {
  if (!Array.isArray(names)) local[names] = value;
  else listed(value).forEach((part, i) => assign(names[i], part, local));
}

function put(a, place, value) {
  return array(a.shape, a.data.map((x, i) => (i === place ? value.data[0] : x)), a.type);
}

function attribute(value, name) {
  if (!(name in METHODS)) throw new Beyond(name);
  if (PROPERTIES.has(name)) return METHODS[name](value);
  return (named, ...args) => METHODS[name](value, named, ...args);
}

function chain(names, values) {
  const found = names.map((name, i) => compared(name, values[i], values[i + 1]));
  return found.find((one) => names.length > 1 && !isTrue(one)) ?? found.at(-1);
}

function compared(name, a, b) {
  if (isArray(a) && isArray(b)) return both(COMPARED[name], a, b, "bool");
  const equal = Array.isArray(a) && Array.isArray(b)
    ? a.length === b.length && a.every((part, i) => isTrue(compared("Eq", part, b[i])))
    : a === b;
  return scalar(name === "Eq" ? equal : !equal, "bool");
}

function formatted(value, spec) {
  if (typeof value === "string") return value;
  const [x] = value.data;
  if (spec) return general(x, parseInt(spec.slice(1)));
  return value.type === "float64" ? repr(x) : String(x);
}
