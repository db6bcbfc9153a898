// A price-time limit order book and nothing else: what the matching core is measured against.
//
// Flat preallocated pools, orders of 32 bytes linked by index, a window of price levels with occupancy bits in two
// layers, best prices cached, identifiers looked up in an array. No protection, no accounts, no fees, no growth.
//
//   yardstick generate SEED OPERATIONS INSTRUMENTS FILE     writes a workload
//   yardstick run FILE BATCH                                one line of JSON: nanoseconds of each round
//
// An operation is five uint32: kind | side << 8 | instrument << 16, tick, quantity, id, original id.
// An event is six int64: kind, order, other order, tick, quantity, open quantity.
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
enum Event : int64_t { ACCEPTED = 1, TRADED = 2, DONE = 3, REJECTED = 4 };

struct Operation {
  uint32_t head, tick, quantity, id, original;
};

constexpr uint32_t WINDOW = 32768;
constexpr uint32_t WORDS = WINDOW / 64;
constexpr uint32_t EVENT_WORDS = 6;

struct Order {
  uint32_t id, next, previous, tick;
  uint32_t open, book, spare, spare2;
};

struct Level {
  uint32_t head, tail;
  uint64_t quantity;
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
    if (kind == REPLACE) {
      int64_t* const before = out;
      out = cancel(operation.original, out);
      if (before[0] == REJECTED) return out;
    }
    out = emit(out, ACCEPTED, operation.id, 0, operation.tick, operation.quantity, operation.quantity);
    uint32_t left = operation.quantity;
    out = side == 0 ? match<0>(instrument, operation, left, out) : match<1>(instrument, operation, left, out);
    if (left && kind != IOC) rest(instrument * 2 + side, operation, left);
    else if (left) out = emit(out, DONE, operation.id, 0, operation.tick, left, 0);
    return out;
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

  static int64_t* emit(int64_t* out, int64_t kind, int64_t order, int64_t other, int64_t tick, int64_t quantity, int64_t open) {
    out[0] = kind, out[1] = order, out[2] = other, out[3] = tick, out[4] = quantity, out[5] = open;
    return out + EVENT_WORDS;
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
  int64_t* match(uint32_t instrument, const Operation& taker, uint32_t& left, int64_t* out) {
    Side& other = sides_[instrument * 2 + (SIDE ^ 1)];
    int32_t tick = other.best;
    while (left && tick >= 0 && (SIDE == 0 ? tick <= static_cast<int32_t>(taker.tick) : tick >= static_cast<int32_t>(taker.tick))) {
      Level& level = other.levels[tick];
      uint32_t slot = level.head;
      while (left && slot) {
        Order& maker = pool_[slot];
        const uint32_t traded = std::min(left, maker.open);
        left -= traded;
        maker.open -= traded;
        level.quantity -= traded;
        out = emit(out, TRADED, maker.id, taker.id, tick, traded, maker.open);
        if (maker.open) break;
        slots_[maker.id] = 0;
        --resting_;
        free_.push_back(slot);
        slot = maker.next;
      }
      level.head = slot;
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

  void rest(uint32_t book, const Operation& operation, uint32_t left) {
    Side& side = sides_[book];
    Level& level = side.levels[operation.tick];
    const uint32_t slot = free_.back();
    free_.pop_back();
    pool_[slot] = {operation.id, 0, level.tail, operation.tick, left, book, 0, 0};
    if (level.tail) {
      pool_[level.tail].next = slot;
    } else {
      level.head = slot;
      const uint32_t word = operation.tick >> 6;
      side.occupied[word] |= 1ULL << (operation.tick & 63);
      side.summary[word >> 6] |= 1ULL << (word & 63);
      const int32_t tick = static_cast<int32_t>(operation.tick);
      if (side.best < 0 || (book & 1 ? tick < side.best : tick > side.best)) side.best = tick;
    }
    level.tail = slot;
    level.quantity += left;
    slots_[operation.id] = slot;
    ++resting_;
  }

  int64_t* cancel(uint32_t id, int64_t* out) {
    const uint32_t slot = slots_[id];
    if (!slot) return emit(out, REJECTED, id, 0, 0, 0, 0);
    const Order order = pool_[slot];
    Side& side = sides_[order.book];
    Level& level = side.levels[order.tick];
    (order.previous ? pool_[order.previous].next : level.head) = order.next;
    (order.next ? pool_[order.next].previous : level.tail) = order.previous;
    level.quantity -= order.open;
    if (!level.head) {
      vacate(side, order.tick);
      if (side.best == static_cast<int32_t>(order.tick))
        side.best = order.book & 1 ? above(side, side.best) : below(side, side.best);
    }
    slots_[id] = 0;
    --resting_;
    free_.push_back(slot);
    return emit(out, DONE, id, 0, order.tick, order.open, 0);
  }

  std::unique_ptr<Side[], Free> sides_;
  std::unique_ptr<Order[], Free> pool_;
  std::vector<uint32_t> slots_;
  std::vector<uint32_t> free_;
  uint32_t resting_ = 0;
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
      operation = {REPLACE | (book.book(acted) & 1) << 8 | book.book(acted) >> 1 << 16, tick, 1 + random.below(200), id, acted};
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

void run(const char* path, uint32_t batch) {
  std::FILE* file = std::fopen(path, "rb");
  if (!file) std::exit(1);
  std::fseek(file, 0, SEEK_END);
  std::vector<Operation> operations(static_cast<size_t>(std::ftell(file)) / sizeof(Operation));
  std::rewind(file);
  if (std::fread(operations.data(), sizeof(Operation), operations.size(), file) != operations.size()) std::exit(1);
  std::fclose(file);
  uint32_t instruments = 1, identifiers = static_cast<uint32_t>(operations.size());
  for (const Operation& operation : operations) instruments = std::max(instruments, (operation.head >> 16) + 1);
  Book book(instruments, identifiers, 1 << 18);
  std::vector<int64_t> events(static_cast<size_t>(batch) * 64 * EVENT_WORDS + (1 << 20));
  std::vector<double> nanoseconds;
  nanoseconds.reserve(operations.size() / batch + 1);
  uint64_t emitted = 0;
  double total = 0;
  for (size_t start = 0; start < operations.size(); start += batch) {
    const size_t end = std::min(start + batch, operations.size());
    const auto before = std::chrono::steady_clock::now();
    int64_t* out = events.data();
    for (size_t at = start; at < end; ++at) out = book.apply(operations[at], out);
    const auto after = std::chrono::steady_clock::now();
    emitted += static_cast<uint64_t>(out - events.data()) / EVENT_WORDS;
    nanoseconds.push_back(std::chrono::duration<double, std::nano>(after - before).count());
    total += nanoseconds.back();
  }
  const size_t at = static_cast<size_t>(static_cast<double>(nanoseconds.size()) * 0.999);
  std::nth_element(nanoseconds.begin(), nanoseconds.begin() + static_cast<std::ptrdiff_t>(std::min(at, nanoseconds.size() - 1)), nanoseconds.end());
  std::printf("{\"operations\": %zu, \"seconds\": %.9f, \"events\": %lu, \"resting\": %u, \"p999_ns\": %.0f}\n", operations.size(), total * 1e-9,
              static_cast<unsigned long>(emitted), book.resting(), nanoseconds[std::min(at, nanoseconds.size() - 1)]);
}

}  // namespace

int main(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "";
  if (what == "generate" && count == 6) {
    generate(std::strtoull(words[2], nullptr, 10), static_cast<uint32_t>(std::atoi(words[3])), static_cast<uint32_t>(std::atoi(words[4])), words[5]);
  } else if (what == "run" && count == 4) {
    run(words[2], static_cast<uint32_t>(std::atoi(words[3])));
  } else {
    std::fprintf(stderr, "usage: yardstick generate SEED OPERATIONS INSTRUMENTS FILE | run FILE BATCH\n");
    return 2;
  }
}
