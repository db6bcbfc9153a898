"""Open, high, low, last, volume and value of one instrument's trading date."""

from dataclasses import dataclass

from chassis.units import INT64_MAX


@dataclass(slots=True)
class DayStatistics:
    """Prices are 0 before the first trade. The value stays at INT64_MAX beyond it."""

    trading_date: int = 0
    open_price_e4: int = 0
    high_price_e4: int = 0
    low_price_e4: int = 0
    last_price_e4: int = 0
    volume: int = 0
    value_e4: int = 0
    trades: int = 0

    def add(self, price_e4: int, quantity: int) -> None:
        """Counts a trade."""
        if not self.trades:
            self.open_price_e4 = self.high_price_e4 = self.low_price_e4 = price_e4
        elif price_e4 > self.high_price_e4:
            self.high_price_e4 = price_e4
        elif price_e4 < self.low_price_e4:
            self.low_price_e4 = price_e4
        self.last_price_e4 = price_e4
        self.volume += quantity
        self.value_e4 = min(INT64_MAX, self.value_e4 + price_e4 * quantity)
        self.trades += 1
