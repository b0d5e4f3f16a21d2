package pan.demo.camera

import android.view.Surface
import pan.core.frames.YuvPicture
import pan.demo.Facing
import pan.demo.Notice

/** A camera; tests use a fake. */
interface FrameSource {
    /** Receives pictures, on a thread of the camera. */
    interface Listener {
        /**
         * The camera delivers.
         *
         * @param width Width of its upright pictures, in pixels.
         * @param height Height of its upright pictures, in pixels.
         */
        fun onOpened(
            width: Int,
            height: Int,
        )

        /**
         * The newest picture, not mirrored; another one after the call.
         *
         * @param nanoseconds Time at which it was taken.
         */
        fun onFrame(
            picture: YuvPicture,
            nanoseconds: Long,
        )

        fun onFailed(reason: Notice)
    }

    /** Whether the device has a camera of this side. */
    fun has(facing: Facing): Boolean

    /**
     * Opens the camera; the permission must be there.
     *
     * @param preview Makes the surface of the preview, given the size of its pictures in pixels.
     * @param displayDegrees Rotation of the display, in degrees.
     * @param shorterSide Smallest allowed length of the shorter side of a picture, in pixels.
     */
    fun open(
        facing: Facing,
        preview: (width: Int, height: Int) -> Surface?,
        displayDegrees: Int,
        shorterSide: Int,
        listener: Listener,
    )

    /** Releases the camera; nothing is delivered afterwards. */
    fun close()
}
