package pan.demo.camera

import android.view.Surface
import pan.core.frames.YuvPicture
import pan.demo.Facing
import pan.demo.Notice

/** A camera that a fake can stand in for. */
interface FrameSource {
    /** Told from a thread of the camera's own. */
    interface Listener {
        /**
         * The camera delivers.
         *
         * @param width of its pictures when they are upright
         * @param height of the same
         */
        fun onOpened(
            width: Int,
            height: Int,
        )

        /**
         * The newest picture, not mirrored; another one after the call.
         *
         * @param nanoseconds when it was taken
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
     * @param preview makes the surface of the preview once the size of its pictures is known
     * @param displayDegrees how far the display is turned
     * @param shorterSide least pixels of the shorter side of a picture
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
