// A price-time limit order book and nothing else: what the matching core is measured against. It writes the core's events.
//
// Flat preallocated pools, orders of 32 bytes linked by index, a window of price levels with occupancy bits in two
// layers, best prices cached, identifiers looked up in an array. No protection, no accounts, no fees, no growth.
//
//   yardstick generate SEED OPERATIONS INSTRUMENTS FILE     writes a workload
//   yardstick say FILE                                      the words of all events to its output
//   yardstick run FILE BATCH TIMES                          one line of JSON; the nanoseconds of each batch as doubles in TIMES
//
// An operation is five uint32: kind | side << 8 | instrument << 16, tick, quantity, id, original id.
// An event is int64 words as in svc_match/core/layout.py: accepted 2, rejected 4, traded 10, replaced 5, done 5, level 4.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

enum Kind : uint32_t { ADD = 0, CANCEL = 1, REPLACE = 2, IOC = 3 };
enum Event : int64_t { ACCEPTED = 1, REJECTED = 2, TRADED = 3, REPLACED = 4, DONE = 5, LEVEL = 6 };
enum Reason : int64_t { FILLED = 1 << 8, CANCELLED = 2 << 8, IMMEDIATE = 3 << 8 };

struct Operation {
  uint32_t head, tick, quantity, id, original;
};

constexpr uint32_t WINDOW = 32768;
constexpr uint32_t WORDS = WINDOW / 64;
constexpr uint32_t TICK_SIZE = 100;

struct Order {
  uint32_t id, next, previous, tick;
  uint32_t open, book, quantity, spare;
};

struct Level {
  uint32_t head, tail;
  uint32_t quantity, orders;
};

struct Side {
  int32_t best;
  uint64_t summary[WORDS / 64];
  uint64_t occupied[WORDS];
  Level levels[WINDOW];
};

class Book {
 public:
  Book(uint32_t instruments, uint32_t identifiers, uint32_t orders)
      : sides_(static_cast<Side*>(std::aligned_alloc(64, sizeof(Side) * instruments * 2))),
        pool_(static_cast<Order*>(std::aligned_alloc(64, sizeof(Order) * (orders + 2)))),
        slots_(identifiers + 1) {
    std::memset(static_cast<void*>(sides_.get()), 0, sizeof(Side) * instruments * 2);
    std::memset(static_cast<void*>(pool_.get()), 0, sizeof(Order) * (orders + 2));
    for (uint32_t side = 0; side < instruments * 2; ++side) sides_[side].best = -1;
    free_.reserve(orders);
    for (uint32_t slot = orders; slot > 0; --slot) free_.push_back(slot);
  }

  int64_t* apply(const Operation& operation, int64_t* out) {
    const uint32_t kind = operation.head & 255, side = operation.head >> 8 & 255, instrument = operation.head >> 16;
    if (kind == CANCEL) return cancel(operation.id, out);
    if (kind == REPLACE) return replace(operation, out);
    out[0] = ACCEPTED, out[1] = operation.id;
    return arrive(operation, operation.id, operation.quantity, operation.quantity, side, instrument, kind != IOC, out + 2);
  }

  uint32_t resting() const { return resting_; }
  bool live(uint32_t id) const { return slots_[id] != 0; }
  int32_t best(uint32_t side) const { return sides_[side].best; }
  uint32_t open(uint32_t id) const { return pool_[slots_[id]].open; }
  uint32_t tick(uint32_t id) const { return pool_[slots_[id]].tick; }
  uint32_t book(uint32_t id) const { return pool_[slots_[id]].book; }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  static int64_t* done(int64_t* out, int64_t reason, uint32_t book, int64_t order, int64_t executed, int64_t cancelled) {
    out[0] = DONE | reason | int64_t{book >> 1} << 16, out[1] = order, out[2] = executed, out[3] = cancelled, out[4] = 0;
    return out + 5;
  }

  static int64_t* show(int64_t* out, const Level& level, uint32_t book, uint32_t tick) {
    out[0] = LEVEL | (book & 1) << 8 | int64_t{book >> 1} << 16, out[1] = int64_t{tick} * TICK_SIZE, out[2] = level.quantity, out[3] = level.orders;
    return out + 4;
  }

  int64_t* arrive(const Operation& operation, uint32_t id, uint32_t quantity, uint32_t left, uint32_t side, uint32_t instrument, bool stays, int64_t* out, uint32_t before = 0) {  // `before` is the tick that it left
    const uint32_t book = instrument * 2 + side;
    swept_ = 0;
    out = side == 0 ? match<0>(instrument, operation.tick, id, left, out) : match<1>(instrument, operation.tick, id, left, out);
    if (left && stays) {
      rest(book, operation.tick, id, quantity, left);
    } else {
      out = done(out, left ? IMMEDIATE : FILLED, book, id, quantity - left, left);
    }
    if (before) out = show(out, sides_[book].levels[before], book, before);
    for (uint32_t place = 0; place < swept_; ++place) out = show(out, sides_[book ^ 1].levels[ticks_[place]], book ^ 1, ticks_[place]);
    return left && stays ? show(out, sides_[book].levels[operation.tick], book, operation.tick) : out;
  }

  static int32_t above(const Side& side, int32_t tick) {  // the lowest occupied tick above, or -1
    uint32_t word = static_cast<uint32_t>(tick) >> 6;
    const uint64_t here = side.occupied[word] & (tick % 64 == 63 ? 0 : ~0ULL << (tick % 64 + 1));
    if (here) return static_cast<int32_t>(word << 6) + std::countr_zero(here);
    uint32_t part = word >> 6;
    uint64_t words = side.summary[part] & (word % 64 == 63 ? 0 : ~0ULL << (word % 64 + 1));
    while (!words) {
      if (++part == WORDS / 64) return -1;
      words = side.summary[part];
    }
    word = part * 64 + std::countr_zero(words);
    return static_cast<int32_t>(word << 6) + std::countr_zero(side.occupied[word]);
  }

  static int32_t below(const Side& side, int32_t tick) {  // the highest occupied tick below, or -1
    uint32_t word = static_cast<uint32_t>(tick) >> 6;
    const uint64_t here = side.occupied[word] & ((1ULL << (tick % 64)) - 1);
    if (here) return static_cast<int32_t>(word << 6) + 63 - std::countl_zero(here);
    int32_t part = static_cast<int32_t>(word >> 6);
    uint64_t words = side.summary[part] & ((1ULL << (word % 64)) - 1);
    while (!words) {
      if (--part < 0) return -1;
      words = side.summary[part];
    }
    word = part * 64 + 63 - std::countl_zero(words);
    return static_cast<int32_t>(word << 6) + 63 - std::countl_zero(side.occupied[word]);
  }

  static void vacate(Side& side, uint32_t tick) {
    const uint32_t word = tick >> 6;
    side.occupied[word] &= ~(1ULL << (tick & 63));
    if (!side.occupied[word]) side.summary[word >> 6] &= ~(1ULL << (word & 63));
  }

  template <uint32_t SIDE>  // of the order that arrives: 0 buys
  int64_t* match(uint32_t instrument, uint32_t limit, uint32_t id, uint32_t& left, int64_t* out) {
    const uint32_t book = instrument * 2 + (SIDE ^ 1);
    Side& other = sides_[book];
    int32_t tick = other.best;
    while (left && tick >= 0 && (SIDE == 0 ? tick <= static_cast<int32_t>(limit) : tick >= static_cast<int32_t>(limit))) {
      Level& level = other.levels[tick];
      uint32_t slot = level.head;
      while (left && slot) {
        Order& maker = pool_[slot];
        const uint32_t traded = std::min(left, maker.open);
        left -= traded;
        maker.open -= traded;
        level.quantity -= traded;
        out[0] = TRADED | SIDE << 8 | int64_t{instrument} << 16, out[1] = maker.id, out[2] = id, out[3] = int64_t{tick} * TICK_SIZE;
        out[4] = traded, out[5] = maker.open, out[6] = left, out[7] = 0, out[8] = 0, out[9] = 0;
        out += 10;
        if (maker.open) break;
        out = done(out, FILLED, book, maker.id, maker.quantity, 0);
        --level.orders;
        forget(maker.id, slot);
        slot = maker.next;
      }
      level.head = slot;
      ticks_[swept_++] = static_cast<uint32_t>(tick);
      if (slot) {
        pool_[slot].previous = 0;
        break;
      }
      level.tail = 0;
      vacate(other, static_cast<uint32_t>(tick));
      tick = SIDE == 0 ? above(other, tick) : below(other, tick);
      other.best = tick;
    }
    return out;
  }

  void rest(uint32_t book, uint32_t tick, uint32_t id, uint32_t quantity, uint32_t left) {
    Side& side = sides_[book];
    Level& level = side.levels[tick];
    const uint32_t slot = free_.back();
    free_.pop_back();
    pool_[slot] = {id, 0, level.tail, tick, left, book, quantity, 0};
    if (level.tail) {
      pool_[level.tail].next = slot;
    } else {
      level.head = slot;
      const uint32_t word = tick >> 6;
      side.occupied[word] |= 1ULL << (tick & 63);
      side.summary[word >> 6] |= 1ULL << (word & 63);
      const int32_t here = static_cast<int32_t>(tick);
      if (side.best < 0 || (book & 1 ? here < side.best : here > side.best)) side.best = here;
    }
    level.tail = slot;
    level.quantity += left;
    ++level.orders;
    slots_[id] = slot;
    ++resting_;
  }

  void forget(uint32_t id, uint32_t slot) {
    slots_[id] = 0;
    --resting_;
    free_.push_back(slot);
  }

  void leave(const Order& order) {
    Side& side = sides_[order.book];
    Level& level = side.levels[order.tick];
    (order.previous ? pool_[order.previous].next : level.head) = order.next;
    (order.next ? pool_[order.next].previous : level.tail) = order.previous;
    level.quantity -= order.open;
    --level.orders;
    if (level.head) return;
    vacate(side, order.tick);
    if (side.best == static_cast<int32_t>(order.tick))
      side.best = order.book & 1 ? above(side, side.best) : below(side, side.best);
  }

  int64_t* reject(uint32_t id, int64_t* out) {
    out[0] = REJECTED, out[1] = id, out[2] = 0, out[3] = 0;
    return out + 4;
  }

  int64_t* cancel(uint32_t id, int64_t* out) {
    const uint32_t slot = slots_[id];
    if (!slot) return reject(id, out);
    const Order order = pool_[slot];
    leave(order);
    forget(id, slot);
    out = done(out, CANCELLED, order.book, id, order.quantity - order.open, order.open);
    return show(out, sides_[order.book].levels[order.tick], order.book, order.tick);
  }

  int64_t* replace(const Operation& operation, int64_t* out) {  // the order keeps its id; less at the same price keeps its place
    const uint32_t id = operation.original, slot = slots_[id];
    if (!slot) return reject(id, out);
    const Order order = pool_[slot];
    const uint32_t executed = order.quantity - order.open;
    if (operation.quantity <= executed) return reject(id, out);
    const uint32_t left = operation.quantity - executed;
    out[0] = REPLACED, out[1] = id, out[2] = left, out[3] = 0, out[4] = order.book & 1 ? 0 : int64_t{operation.tick} * TICK_SIZE;
    out += 5;
    Level& level = sides_[order.book].levels[order.tick];
    if (operation.tick == order.tick && left < order.open) {
      level.quantity -= order.open - left;
      pool_[slot].open = left;
      pool_[slot].quantity = operation.quantity;
      return show(out, level, order.book, order.tick);
    }
    leave(order);
    forget(id, slot);
    const uint32_t before = operation.tick != order.tick ? order.tick : 0;
    return arrive(operation, id, operation.quantity, left, order.book & 1, order.book >> 1, true, out, before);
  }

  std::unique_ptr<Side[], Free> sides_;
  std::unique_ptr<Order[], Free> pool_;
  std::vector<uint32_t> slots_;
  std::vector<uint32_t> free_;
  uint32_t resting_ = 0;
  uint32_t swept_ = 0;
  uint32_t ticks_[WINDOW];  // of the levels that an order traded at
};

// A seeded workload that keeps about RESTING orders in the books.

constexpr uint32_t RESTING = 10000;
constexpr uint32_t MIDDLE = WINDOW / 2;

struct Random {
  uint64_t state;
  uint64_t next() {  // splitmix64
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>((next() >> 32) * limit >> 32); }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  uint32_t geometric(double mean) { return static_cast<uint32_t>(std::log1p(-unit()) / std::log1p(-1 / (mean + 1))); }
};

void generate(uint64_t seed, uint32_t operations, uint32_t instruments, const char* path) {
  Random random{seed};
  std::vector<double> share(instruments);  // Zipf with exponent 0.7
  double sum = 0;
  for (uint32_t i = 0; i < instruments; ++i) share[i] = sum += std::pow(i + 1, -0.7);
  std::vector<uint32_t> middle(instruments, MIDDLE);
  Book book(instruments, operations, 1 << 20);
  std::vector<uint32_t> live;  // with some dead ones, dropped when they are drawn
  std::vector<Operation> written;
  std::vector<int64_t> events(1 << 20);
  const auto draw_live = [&]() -> uint32_t {
    while (!live.empty()) {
      const uint32_t at = random.below(static_cast<uint32_t>(live.size()));
      const uint32_t id = live[at];
      if (book.live(id)) return id;
      live[at] = live.back();
      live.pop_back();
    }
    return 0;
  };
  for (uint32_t id = 1; id <= operations; ++id) {
    const double what = random.unit();
    const uint32_t of = what < 0.60 ? ADD : what < 0.90 ? CANCEL : what < 0.95 ? REPLACE : IOC;
    const uint32_t acted = of == CANCEL || of == REPLACE ? draw_live() : 0;
    Operation operation{};
    if (of == CANCEL && acted) {
      operation = {CANCEL | (book.book(acted) & 1) << 8 | book.book(acted) >> 1 << 16, 0, 0, acted, 0};
    } else if (of == REPLACE && acted) {
      const uint32_t shift = random.below(5);
      const uint32_t tick = std::clamp(book.tick(acted) + shift - 2, 64u, WINDOW - 64);
      operation = {REPLACE | (book.book(acted) & 1) << 8 | book.book(acted) >> 1 << 16, tick, 1 + random.below(200), acted, acted};
    } else {
      const uint32_t instrument = static_cast<uint32_t>(std::lower_bound(share.begin(), share.end(), random.unit() * sum) - share.begin());
      uint32_t& mid = middle[instrument];
      if (random.below(64) == 0) mid = std::clamp(mid + random.below(3) - 1, MIDDLE - 4096, MIDDLE + 4096);
      const uint32_t side = random.below(2), other = book.best(instrument * 2 + (side ^ 1)) < 0 ? mid : book.best(instrument * 2 + (side ^ 1));
      const bool aggressive = of == IOC || random.below(3) == 0;
      const uint32_t away = 1 + random.geometric(12);
      const uint32_t through = random.geometric(1);
      const uint32_t tick = aggressive ? (side == 0 ? other + through : other - through) : (side == 0 ? std::min(mid, other) - away : std::max(mid, other) + away);
      const uint32_t quantity = aggressive && book.resting() > RESTING ? 100 + random.below(300) : 1 + random.below(aggressive ? 20 : 200);
      operation = {(of == IOC ? IOC : ADD) | side << 8 | instrument << 16, std::clamp(tick, 64u, WINDOW - 64), quantity, id, 0};
    }
    book.apply(operation, events.data());
    if (book.live(id)) live.push_back(id);
    written.push_back(operation);
  }
  std::FILE* file = std::fopen(path, "wb");
  if (!file || std::fwrite(written.data(), sizeof(Operation), written.size(), file) != written.size() || std::fclose(file)) std::exit(1);
  std::printf("{\"operations\": %u, \"instruments\": %u, \"resting\": %u}\n", operations, instruments, book.resting());
}

std::vector<Operation> operations_of(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  if (!file) std::exit(1);
  std::fseek(file, 0, SEEK_END);
  std::vector<Operation> operations(static_cast<size_t>(std::ftell(file)) / sizeof(Operation));
  std::rewind(file);
  if (std::fread(operations.data(), sizeof(Operation), operations.size(), file) != operations.size()) std::exit(1);
  std::fclose(file);
  return operations;
}

uint32_t instruments_of(const std::vector<Operation>& operations) {
  uint32_t instruments = 1;
  for (const Operation& operation : operations) instruments = std::max(instruments, (operation.head >> 16) + 1);
  return instruments;
}

void say(const char* path) {
  const std::vector<Operation> operations = operations_of(path);
  Book book(instruments_of(operations), static_cast<uint32_t>(operations.size()), 1 << 18);
  std::vector<int64_t> events(1 << 20);
  for (const Operation& operation : operations) {
    const size_t count = static_cast<size_t>(book.apply(operation, events.data()) - events.data());
    if (std::fwrite(events.data(), sizeof(int64_t), count, stdout) != count) std::exit(1);
  }
}

void run(const char* path, uint32_t batch, const char* times) {
  const std::vector<Operation> operations = operations_of(path);
  Book book(instruments_of(operations), static_cast<uint32_t>(operations.size()), 1 << 18);
  std::vector<int64_t> events(static_cast<size_t>(batch) * 1024 + (1 << 20));
  std::vector<double> nanoseconds;
  nanoseconds.reserve(operations.size() / batch + 1);
  uint64_t written = 0;
  std::vector<Operation> now(batch);
  for (size_t start = 0; start < operations.size(); start += batch) {
    const size_t count = std::min<size_t>(batch, operations.size() - start);
    std::copy_n(operations.begin() + static_cast<std::ptrdiff_t>(start), count, now.begin());
    const auto before = std::chrono::steady_clock::now();
    int64_t* out = events.data();
    for (size_t at = 0; at < count; ++at) out = book.apply(now[at], out);
    const auto after = std::chrono::steady_clock::now();
    written += static_cast<uint64_t>(out - events.data());
    nanoseconds.push_back(std::chrono::duration<double, std::nano>(after - before).count());
  }
  std::FILE* told = std::fopen(times, "wb");
  if (!told || std::fwrite(nanoseconds.data(), sizeof(double), nanoseconds.size(), told) != nanoseconds.size() || std::fclose(told)) std::exit(1);
  std::printf("{\"operations\": %zu, \"words\": %lu, \"resting\": %u}\n", operations.size(), static_cast<unsigned long>(written), book.resting());
}

}  // namespace

int main(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "";
  if (what == "generate" && count == 6) {
    generate(std::strtoull(words[2], nullptr, 10), static_cast<uint32_t>(std::atoi(words[3])), static_cast<uint32_t>(std::atoi(words[4])), words[5]);
  } else if (what == "say" && count == 3) {
    say(words[2]);
  } else if (what == "run" && count == 5) {
    run(words[2], static_cast<uint32_t>(std::atoi(words[3])), words[4]);
  } else {
    std::fprintf(stderr, "usage: yardstick generate SEED OPERATIONS INSTRUMENTS FILE | say FILE | run FILE BATCH TIMES\n");
    return 2;
  }
}
