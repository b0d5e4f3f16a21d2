package pan.engines

import pan.core.bundle.ModelFile
import pan.core.engine.Engine
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A runtime that does nothing, so that a test sees what all else costs. */
internal class StillEngine(
    override val model: ModelFile,
) : Engine {
    private val inputs = model.inputs.associate { it.name to direct(it.bytes) }
    private val outputs = model.outputs.associate { it.name to direct(it.bytes) }

    override fun input(name: String): ByteBuffer = inputs.getValue(name)

    override fun output(name: String): ByteBuffer = outputs.getValue(name)

    override fun run() = Unit

    override fun close() = Unit

    private fun direct(bytes: Int) = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
}
