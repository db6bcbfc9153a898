"""The caller's span as a W3C traceparent, when it uses OpenTelemetry; this package does not need it."""

try:
    from opentelemetry import trace
except ImportError:

    def traceparent() -> str:
        """Always empty: OpenTelemetry is not installed."""
        return ""

else:

    def traceparent() -> str:
        """The current sampled span's traceparent, or empty."""
        context = trace.get_current_span().get_span_context()
        if not (context.is_valid and context.trace_flags.sampled):
            return ""
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
