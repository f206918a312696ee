package dev.nutkin.ledger;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.BasePathBucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;
import org.apache.flink.util.Collector;

/**
 * A job whose state can be checked from outside: consecutive numbers from 0, a count per key in
 * keyed state, and an exactly-once file sink of lines {@code number key count version}.
 *
 * <p>Each number must be in the committed files once, and the counts of a key must be 1, 2, 3 … in
 * the order of its numbers: a lost position, a second run and lost keyed state each leave a trace
 * that {@code tests/ledger/check} finds. One source serves Flink 1.20 and 2.x; checkpoint interval
 * and folders come from the cluster's configuration.
 */
public final class LedgerJob {
    private LedgerJob() {}

    /** Builds the graph and hands it to the cluster. */
    public static void main(String[] arguments) throws Exception {
        final Options options = Options.parse(arguments);
        if (options.failAtStart) {
            throw new IllegalStateException("--fail-at-start: this version never starts");
        }

        final StreamExecutionEnvironment env =
                StreamExecutionEnvironment.getExecutionEnvironment();
        if (options.parallelism > 0) {
            env.setParallelism(options.parallelism);
        }
        // Part of the state's identity, so it must not follow the parallelism.
        env.setMaxParallelism(128);

        final GeneratorFunction<Long, Long> identity = number -> number;
        final DataGeneratorSource<Long> numbers =
                new DataGeneratorSource<>(
                        identity,
                        Long.MAX_VALUE,
                        RateLimiterStrategy.perSecond(options.rate),
                        Types.LONG);

        final String output = options.output;
        final int keys = options.keys;
        env.fromSource(numbers, WatermarkStrategy.noWatermarks(), "numbers")
                .uid("numbers")
                // More than one reader would split the range, and the numbers would not be
                // consecutive.
                .setParallelism(1)
                .keyBy(number -> (int) (number % keys), Types.INT)
                .process(new Count(options))
                .name("count")
                .uid(options.dropOperator ? "count-without-history" : "count")
                .sinkTo(
                        FileSink.forRowFormat(new Path(output), new SimpleStringEncoder<String>())
                                .withBucketAssigner(new BasePathBucketAssigner<>())
                                .withRollingPolicy(OnCheckpointRollingPolicy.build())
                                .withOutputFileConfig(
                                        OutputFileConfig.builder().withPartPrefix("ledger").build())
                                .build())
                .name("ledger")
                .uid("ledger");
        env.execute("ledger");
    }

    /** Counts per key; the count is the key's state. */
    private static final class Count extends KeyedProcessFunction<Integer, Long, String> {
        private static final long serialVersionUID = 1L;

        private final String version;
        private final boolean changeState;
        private final long failOnRecord;
        private final long failAfter;

        /** One of the two is used: a type that the stored bytes can't be read as is the point. */
        private transient ValueState<Long> count;

        private transient ValueState<String> countAsText;
        private transient long seen;

        Count(Options options) {
            version = options.versionTag;
            changeState = options.changeState;
            failOnRecord = options.failOnRecord;
            failAfter = options.failAfter;
        }

        @Override
        public void open(OpenContext context) {
            seen = 0;
            if (changeState) {
                countAsText =
                        getRuntimeContext()
                                .getState(new ValueStateDescriptor<>("count", Types.STRING));
            } else {
                count =
                        getRuntimeContext()
                                .getState(new ValueStateDescriptor<>("count", Types.LONG));
            }
        }

        @Override
        public void processElement(Long number, Context context, Collector<String> out)
                throws Exception {
            seen++;
            if (failOnRecord >= 0 && number >= failOnRecord) {
                throw new IllegalStateException("--fail-on-record: refused number " + number);
            }
            if (failAfter > 0 && seen > failAfter) {
                throw new IllegalStateException(
                        "--fail-after: failed after " + failAfter + " numbers, at " + number);
            }
            final long next = read() + 1;
            write(next);
            out.collect(number + " " + context.getCurrentKey() + " " + next + " " + version);
        }

        private long read() throws Exception {
            if (changeState) {
                final String text = countAsText.value();
                return text == null ? 0 : Long.parseLong(text);
            }
            final Long value = count.value();
            return value == null ? 0 : value;
        }

        private void write(long next) throws Exception {
            if (changeState) {
                countAsText.update(Long.toString(next));
            } else {
                count.update(next);
            }
        }
    }
}
